// SPDX-License-Identifier: GPL-2.0-only
/*
 * Class memprotect: permissions to seal mappings and to write to sealed
 * mappings.
 *
 * A mapping has no label of its own, so the domain of the current task is
 * source and target, as for mmap_zero. Access to the process that has the
 * mapping has been checked before (process ptrace). The permissions are checked
 * only if the policy has the capability memprotect_seal: older policies neither
 * grant nor know them.
 */

#include <linux/bits.h>
#include <linux/forced_write.h>
#include <linux/lsm_audit.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/vma_attr.h>

#include "avc.h"
#include "memprotect.h"
#include "objsec.h"
#include "security.h"
#include "ss/policydb.h"

/* An access path that is missing here is refused; the AVC warns about it. */
static const u32 forced_write_perms[NR_FORCED_WRITE_ORIGINS] = {
	[FORCED_WRITE_PROC_MEM]		= MEMPROTECT__SEALED_WRITE_PROCMEM,
	[FORCED_WRITE_PTRACE]		= MEMPROTECT__SEALED_WRITE_PTRACE,
	[FORCED_WRITE_PROCESS_VM]	= MEMPROTECT__SEALED_WRITE_PROCESSVM,
	[FORCED_WRITE_UPROBE]		= MEMPROTECT__SEALED_WRITE_UPROBE,
	[FORCED_WRITE_UFFD_REGISTER]	= MEMPROTECT__SEALED_WRITE_UFFD_REGISTER,
	[FORCED_WRITE_UFFD_COPY]	= MEMPROTECT__SEALED_WRITE_UFFD_COPY,
	[FORCED_WRITE_UFFD_ZEROPAGE]	= MEMPROTECT__SEALED_WRITE_UFFD_ZEROPAGE,
	[FORCED_WRITE_UFFD_CONTINUE]	= MEMPROTECT__SEALED_WRITE_UFFD_CONTINUE,
	[FORCED_WRITE_UFFD_POISON]	= MEMPROTECT__SEALED_WRITE_UFFD_POISON,
	[FORCED_WRITE_UFFD_MOVE_FROM]	= MEMPROTECT__SEALED_WRITE_UFFD_MOVE_FROM,
	[FORCED_WRITE_UFFD_MOVE_TO]	= MEMPROTECT__SEALED_WRITE_UFFD_MOVE_TO,
};

/* A new access path needs its own permission: in secclass_map, then above. */
static_assert(NR_FORCED_WRITE_ORIGINS == 12);

static int memprotect_has_perm(u32 perm, struct lsm_seal_audit *seal)
{
	const u32 sid = current_sid();
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
	struct lsm_seal_audit seal;

	if (!selinux_policycap_memprotect_seal())
		return 0;

	seal = (struct lsm_seal_audit) {
		.vma = vma,
		.start = start,
		.end = end,
		/* No flags means these two and the weak discard rule. */
		.seals = flags ?: MSEAL_MAP | MSEAL_PROT,
	};
	return memprotect_has_perm(MEMPROTECT__SEAL, &seal);
}

/**
 * selinux_vma_forced_write() - May the current task write to a sealed mapping?
 * @vma: the mapping
 * @start: first address that is to be written to
 * @end: end address, exclusive
 * @origin: the access path
 * @opener: not used
 *
 * A mapping that is not sealed is not checked: its process could make it
 * writable.
 *
 * Context: mmap lock, or VMA read lock of @vma.
 * Return: 0 if it may, -EACCES if not.
 */
int selinux_vma_forced_write(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end, enum forced_write_origin origin,
			     const struct cred *opener)
{
	struct lsm_seal_audit seal;

	if (!vma_attr_sealed(vma) || !selinux_policycap_memprotect_seal())
		return 0;

	seal = (struct lsm_seal_audit) {
		.origin = forced_write_origin_name(origin),
		.vma = vma,
		.start = start,
		.end = end,
		.seals = vma_attr_seals(vma),
	};
	return memprotect_has_perm(forced_write_perms[origin], &seal);
}

/**
 * selinux_memprotect_unused() - Will a policy never be asked for a permission?
 * @pol: the policy
 * @tclass: class, as the kernel numbers it
 * @nr: number of the permission in secclass_map, from 0
 *
 * All permissions of class memprotect but mmap_zero are checked only if the
 * policy has the capability memprotect_seal. A policy without it need not
 * define them, however it handles unknown permissions.
 *
 * Context: any; @pol does not change.
 * Return: true if @pol is never asked for it.
 */
bool selinux_memprotect_unused(const struct policydb *pol, u16 tclass,
			       unsigned int nr)
{
	return tclass == SECCLASS_MEMPROTECT &&
	       BIT(nr) != MEMPROTECT__MMAP_ZERO &&
	       !ebitmap_get_bit(&pol->policycaps, POLICYDB_CAP_MEMPROTECT_SEAL);
}
