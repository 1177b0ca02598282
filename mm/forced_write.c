// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forced writes, see linux/forced_write.h: this file calls the LSMs.
 */

#include <linux/array_size.h>
#include <linux/forced_write.h>
#include <linux/mm.h>
#include <linux/security.h>
#include <linux/vma_attr.h>

/* The origins that GUP flags carry fit into the two bits. */
static_assert(FOLL_ORIGIN_OF(FOLL_ORIGIN(FORCED_WRITE_PROCESS_VM)) ==
	      FORCED_WRITE_PROCESS_VM);
static_assert((FOLL_HONOR_NUMA_FAULT & FOLL_ORIGIN_MASK) == 0);

static const char * const origin_names[NR_FORCED_WRITE_ORIGINS] = {
	[FORCED_WRITE_NONE]		= "none",
	[FORCED_WRITE_PROC_MEM]		= "proc-mem",
	[FORCED_WRITE_PTRACE]		= "ptrace",
	[FORCED_WRITE_PROCESS_VM]	= "process-vm",
	[FORCED_WRITE_UPROBE]		= "uprobe",
	[FORCED_WRITE_UFFD_REGISTER]	= "uffd-register",
	[FORCED_WRITE_UFFD_COPY]	= "uffd-copy",
	[FORCED_WRITE_UFFD_ZEROPAGE]	= "uffd-zeropage",
	[FORCED_WRITE_UFFD_CONTINUE]	= "uffd-continue",
	[FORCED_WRITE_UFFD_POISON]	= "uffd-poison",
	[FORCED_WRITE_UFFD_MOVE_FROM]	= "uffd-move-from",
	[FORCED_WRITE_UFFD_MOVE_TO]	= "uffd-move-to",
};

/**
 * forced_write_origin_name() - The name of an access path, for logs
 * @origin: the access path
 *
 * Context: any.
 * Return: the name that the documentation uses.
 */
const char *forced_write_origin_name(enum forced_write_origin origin)
{
	return origin < ARRAY_SIZE(origin_names) ? origin_names[origin] :
						   "unknown";
}

/**
 * vma_forced_write() - May current write to a mapping regardless of protection?
 * @vma: the mapping
 * @start: first address that is written to, or the page it is in
 * @end: end address, exclusive; not above the end of @vma
 * @origin: the access path
 * @opener: the credentials with which the descriptor was opened that the write
 *	goes through; NULL if there is none
 *
 * Call this before changing anything. The LSMs are not called if @vma is
 * writable and not sealed: that is an ordinary write.
 *
 * Context: mmap lock in either mode, or VMA read lock. If the lock was dropped,
 * call this again after retaking it.
 * Return: 0, or -EPERM if an LSM refused, whatever error it returned.
 */
int vma_forced_write(struct vm_area_struct *vma, unsigned long start,
		     unsigned long end, enum forced_write_origin origin,
		     const struct cred *opener)
{
	if (!vma_attr_sealed(vma) &&
	    likely((vma->vm_flags & (VM_WRITE | VM_SHADOW_STACK)) == VM_WRITE))
		return 0;

	return security_vma_forced_write(vma, start, end, origin, opener) ? -EPERM : 0;
}
