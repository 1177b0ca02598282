// SPDX-License-Identifier: GPL-2.0-only
/*
 * Class memprotect: permissions to seal mappings and to write to sealed
 * mappings.
 *
 * A mapping has no label of its own, so a domain is source and target, as for
 * mmap_zero: the domain of the current task, and then the one that it or another
 * task had when it opened the descriptor which is written to, or attached by
 * ptrace. Access to the process that has the mapping has been checked before
 * (process ptrace).
 *
 * Programs sealed their memory, and were debugged, before there was a
 * permission for it. So a permission that the policy does not define is
 * allowed, however the policy handles unknown permissions. This is decided when
 * a policy is loaded, see selinux_allow_undefined().
 */

#include <linux/bitops.h>
#include <linux/cred.h>
#include <linux/forced_write.h>
#include <linux/lsm_audit.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/vma_attr.h>

#include "avc.h"
#include "avc_ss.h"
#include "memprotect.h"
#include "objsec.h"
#include "security.h"
#include "ss/services.h"

/* The permissions that a policy need not define. Not mmap_zero. */
#define MEMPROTECT_SEALS						\
	(MEMPROTECT__SEAL | MEMPROTECT__SEALED_WRITE_DEBUG |		\
	 MEMPROTECT__SEALED_WRITE_VM | MEMPROTECT__SEALED_WRITE_UFFD |	\
	 MEMPROTECT__SEALED_WRITE_UPROBE)

/*
 * One permission for each role that a writer can have. An access path that is
 * missing here is refused; the AVC warns about it.
 */
static const u32 forced_write_perms[NR_FORCED_WRITE_ORIGINS] = {
	[FORCED_WRITE_PROC_MEM]		= MEMPROTECT__SEALED_WRITE_DEBUG,
	[FORCED_WRITE_PTRACE]		= MEMPROTECT__SEALED_WRITE_DEBUG,
	[FORCED_WRITE_PROCESS_VM]	= MEMPROTECT__SEALED_WRITE_VM,
	[FORCED_WRITE_UPROBE]		= MEMPROTECT__SEALED_WRITE_UPROBE,
	[FORCED_WRITE_UFFD_REGISTER]	= MEMPROTECT__SEALED_WRITE_UFFD,
	[FORCED_WRITE_UFFD_COPY]	= MEMPROTECT__SEALED_WRITE_UFFD,
	[FORCED_WRITE_UFFD_ZEROPAGE]	= MEMPROTECT__SEALED_WRITE_UFFD,
	[FORCED_WRITE_UFFD_CONTINUE]	= MEMPROTECT__SEALED_WRITE_UFFD,
	[FORCED_WRITE_UFFD_POISON]	= MEMPROTECT__SEALED_WRITE_UFFD,
	[FORCED_WRITE_UFFD_MOVE_FROM]	= MEMPROTECT__SEALED_WRITE_UFFD,
	[FORCED_WRITE_UFFD_MOVE_TO]	= MEMPROTECT__SEALED_WRITE_UFFD,
};

/* A new access path needs a line in the table above. */
static_assert(NR_FORCED_WRITE_ORIGINS == 12);

static int memprotect_has_perm(u32 sid, u32 perm, struct lsm_seal_audit *seal)
{
	struct common_audit_data ad;

	ad.type = LSM_AUDIT_DATA_SEAL;
	ad.u.seal = seal;

	return avc_has_perm(sid, sid, SECCLASS_MEMPROTECT, perm, &ad);
}

/**
 * selinux_mseal() - May the current task seal a mapping?
 * @vma: the mapping
 * @start: first address that is to be sealed
 * @end: end address, exclusive
 * @flags: flags of mseal(2)
 *
 * Context: mmap lock, held for writing.
 * Return: 0 if it may, -EACCES if not.
 */
int selinux_mseal(struct vm_area_struct *vma, unsigned long start,
		  unsigned long end, unsigned long flags)
{
	struct lsm_seal_audit seal = {
		.origin = "mseal",
		.checked = "current",
		.vma = vma,
		.start = start,
		.end = end,
		/* No flags means these two and the weak discard rule. */
		.seals = flags ?: MSEAL_MAP | MSEAL_PROT,
	};

	return memprotect_has_perm(current_sid(), MEMPROTECT__SEAL, &seal);
}

/**
 * selinux_vma_forced_write() - May the current task write to a sealed mapping?
 * @vma: the mapping
 * @start: first address that is to be written to
 * @end: end address, exclusive
 * @origin: the access path
 * @opener: credentials with which the descriptor was opened, or the tracer
 *	attached; NULL for other access paths
 *
 * A mapping that is not sealed is not checked: its process could make it
 * writable. A descriptor can be passed on, or inherited by a program that runs
 * in another domain. A tracer keeps its tracees when it executes such a program.
 * Then both domains need the permission.
 *
 * Context: mmap lock, or VMA read lock of @vma.
 * Return: 0 if it may, -EACCES if not.
 */
int selinux_vma_forced_write(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end, enum forced_write_origin origin,
			     const struct cred *opener)
{
	const u32 perm = forced_write_perms[origin];
	const u32 sid = current_sid();
	struct lsm_seal_audit seal;
	u32 opener_sid;
	int ret;

	if (!vma_attr_sealed(vma))
		return 0;

	seal = (struct lsm_seal_audit) {
		.origin = forced_write_origin_name(origin),
		.checked = "current",
		.vma = vma,
		.start = start,
		.end = end,
		.seals = vma_attr_seals(vma),
	};
	ret = memprotect_has_perm(sid, perm, &seal);
	if (ret || !opener)
		return ret;

	opener_sid = selinux_cred(opener)->sid;
	if (opener_sid == sid)
		return 0;

	seal.checked = "opener";
	return memprotect_has_perm(opener_sid, perm, &seal);
}

/**
 * selinux_allow_undefined() - Allow permissions that a policy does not define
 * @mapping: the class in a policy that is being loaded
 * @tclass: number of the class in the kernel
 * @perms: permissions that the policy does not define, or all of the class if
 *	it does not define the class
 *
 * Allows those of @perms that protect sealed memory, even if the policy denies
 * or rejects unknown permissions. A policy from before these permissions then
 * behaves as on a kernel without them.
 *
 * Context: @mapping is not visible to others yet.
 * Return: true if any of @perms is allowed now.
 */
bool selinux_allow_undefined(struct selinux_mapping *mapping, u16 tclass,
			     u32 perms)
{
	const struct security_class_mapping *class = &secclass_map[tclass - 1];
	unsigned long allowed;
	unsigned int i;

	if (tclass != SECCLASS_MEMPROTECT)
		return false;

	allowed = perms & MEMPROTECT_SEALS;
	for_each_set_bit(i, &allowed, BITS_PER_TYPE(perms))
		pr_info("SELinux:  Permission %s in class %s not defined in policy, allowed.\n",
			class->perms[i], class->name);
	mapping->undefined_allowed |= allowed;
	return allowed;
}
