/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forced writes: writes that honour neither the protection nor the seals of a
 * mapping, because they do not go through it.
 *
 * The LSMs check each forced write to a mapping that is sealed (see
 * linux/vma_attr.h) or not writable, before it is done. The policies that they
 * offer are described in Documentation/admin-guide/LSM/mseal.rst.
 *
 * The check and the write are done under one lock, the mmap lock or the VMA
 * lock of the target, and mseal(2) takes both for writing. So a forced write
 * that was permitted before the seal also lands before it. The exception is
 * process_vm_writev(), which drops the lock between pinning a page and copying.
 */
#ifndef _LINUX_FORCED_WRITE_H
#define _LINUX_FORCED_WRITE_H

#include <linux/mm.h>
#include <linux/vma_attr.h>

/**
 * enum forced_write_origin - The access path of a forced write
 * @FORCED_WRITE_NONE: not a forced write
 * @FORCED_WRITE_PROC_MEM: write() to /proc/PID/mem
 * @FORCED_WRITE_PTRACE: PTRACE_POKETEXT, PTRACE_POKEDATA and their counterparts
 *	of the architectures
 * @FORCED_WRITE_PROCESS_VM: process_vm_writev(); it honours the protection, so
 *	the mapping is sealed
 * @FORCED_WRITE_UPROBE: inserting the breakpoint of a uprobe; removing it is
 *	not checked
 * @FORCED_WRITE_UFFD_REGISTER: UFFDIO_REGISTER in any mode, because UFFDIO_COPY
 *	works in all of them
 * @FORCED_WRITE_UFFD_COPY: UFFDIO_COPY
 * @FORCED_WRITE_UFFD_ZEROPAGE: UFFDIO_ZEROPAGE
 * @FORCED_WRITE_UFFD_CONTINUE: UFFDIO_CONTINUE
 * @FORCED_WRITE_UFFD_POISON: UFFDIO_POISON
 * @FORCED_WRITE_UFFD_MOVE_FROM: UFFDIO_MOVE, which empties its source
 * @FORCED_WRITE_UFFD_MOVE_TO: UFFDIO_MOVE, which fills its destination
 * @NR_FORCED_WRITE_ORIGINS: number of values
 *
 * Policies tell the access paths apart, so each has its own value. BPF programs
 * find the values by name.
 */
enum forced_write_origin {
	FORCED_WRITE_NONE,
	/* GUP gets these three in its flags, see FOLL_ORIGIN(). */
	FORCED_WRITE_PROC_MEM,
	FORCED_WRITE_PTRACE,
	FORCED_WRITE_PROCESS_VM,
	FORCED_WRITE_UPROBE,
	FORCED_WRITE_UFFD_REGISTER,
	FORCED_WRITE_UFFD_COPY,
	FORCED_WRITE_UFFD_ZEROPAGE,
	FORCED_WRITE_UFFD_CONTINUE,
	FORCED_WRITE_UFFD_POISON,
	FORCED_WRITE_UFFD_MOVE_FROM,
	FORCED_WRITE_UFFD_MOVE_TO,
	NR_FORCED_WRITE_ORIGINS
};

/* Convert an origin to the FOLL_* flags of GUP that carry it, and back. */
#define FOLL_ORIGIN(origin)	((origin) << FOLL_ORIGIN_SHIFT)
#define FOLL_ORIGIN_OF(gup_flags)					\
	((enum forced_write_origin)(((gup_flags) & FOLL_ORIGIN_MASK) >>	\
				    FOLL_ORIGIN_SHIFT))

#ifdef CONFIG_SECURITY

const char *forced_write_origin_name(enum forced_write_origin origin);
int __vma_forced_write(struct vm_area_struct *vma, unsigned long start,
		       unsigned long end, enum forced_write_origin origin);

/**
 * vma_forced_write() - May current write to a mapping regardless of protection?
 * @vma: the mapping
 * @start: first address that is written to, or the page it is in
 * @end: end address, exclusive; not above the end of @vma
 * @origin: the access path
 *
 * Call this before changing anything. The LSMs are not called if @vma is
 * writable and not sealed: that is an ordinary write.
 *
 * Context: mmap lock in either mode, or VMA read lock. If the lock was dropped,
 * call this again after retaking it.
 * Return: 0, or -EPERM if an LSM refused, whatever error it returned.
 */
static inline int vma_forced_write(struct vm_area_struct *vma,
				   unsigned long start, unsigned long end,
				   enum forced_write_origin origin)
{
	if (!vma_attr_sealed(vma) &&
	    likely((vma->vm_flags & (VM_WRITE | VM_SHADOW_STACK)) == VM_WRITE))
		return 0;

	return __vma_forced_write(vma, start, end, origin);
}

#else

static inline int vma_forced_write(struct vm_area_struct *vma,
				   unsigned long start, unsigned long end,
				   enum forced_write_origin origin)
{
	return 0;
}

#endif /* CONFIG_SECURITY */

#endif /* _LINUX_FORCED_WRITE_H */
