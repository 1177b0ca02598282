/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forced writes: writes that honour neither the protection nor the seals of a
 * mapping, because they do not go through it.
 *
 * Each is put before the LSMs first, where it goes into a mapping that has an
 * attribute locked (see linux/vma_attr.h) or that is not writable. What the LSMs
 * make of that: Documentation/admin-guide/LSM/mseal.rst.
 *
 * The check and the write are under one lock, the mmap lock or the VMA lock of
 * the target, and mseal(2) takes both for writing: a forced write that was
 * permitted before the seal has also landed before it. The exception is
 * process_vm_writev(), which drops the lock between pinning a page and copying.
 */
#ifndef _LINUX_FORCED_WRITE_H
#define _LINUX_FORCED_WRITE_H

#include <linux/mm.h>
#include <linux/vma_attr.h>

/**
 * enum forced_write_via - The way in of a forced write
 * @FORCED_WRITE_NONE: none, not a forced write
 * @FORCED_WRITE_PROC_MEM: write() to /proc/PID/mem
 * @FORCED_WRITE_PTRACE: PTRACE_POKETEXT, PTRACE_POKEDATA and what architectures
 *	have beside them
 * @FORCED_WRITE_PROCESS_VM: process_vm_writev(); it honours the protection, so
 *	the mapping is a sealed one
 * @FORCED_WRITE_UPROBE: the breakpoint of a uprobe; taking it out is not asked
 * @FORCED_WRITE_UFFD_REGISTER: UFFDIO_REGISTER in any mode, for UFFDIO_COPY asks
 *	no mode
 * @FORCED_WRITE_UFFD_COPY: UFFDIO_COPY
 * @FORCED_WRITE_UFFD_ZEROPAGE: UFFDIO_ZEROPAGE
 * @FORCED_WRITE_UFFD_CONTINUE: UFFDIO_CONTINUE
 * @FORCED_WRITE_UFFD_POISON: UFFDIO_POISON
 * @FORCED_WRITE_UFFD_MOVE_FROM: UFFDIO_MOVE, which empties its source
 * @FORCED_WRITE_UFFD_MOVE_TO: UFFDIO_MOVE, which fills its destination
 * @NR_FORCED_WRITE_VIAS: how many there are
 *
 * A policy tells them apart, so each has a value of its own, which BPF programs
 * find by name.
 */
enum forced_write_via {
	FORCED_WRITE_NONE,
	/* These three are told to GUP, see FOLL_VIA(). */
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
	NR_FORCED_WRITE_VIAS
};

/* The way in as the FOLL_* flags of GUP carry it, and back. */
#define FOLL_VIA(via)		((via) << FOLL_VIA_SHIFT)
#define FOLL_VIA_OF(gup_flags)	\
	((enum forced_write_via)(((gup_flags) & FOLL_VIA_MASK) >> FOLL_VIA_SHIFT))

#ifdef CONFIG_SECURITY

const char *forced_write_via_name(enum forced_write_via via);
int __vma_forced_write(struct vm_area_struct *vma, unsigned long start,
		       unsigned long end, enum forced_write_via via);

/**
 * vma_forced_write() - May current write to a mapping, whatever it permits?
 * @vma: the mapping
 * @start: first address that is written to, or the page it is in
 * @end: end address, exclusive; not above the end of @vma
 * @via: the way in
 *
 * To be asked before anything is changed. Nobody is asked where all of @vma is
 * writable and nothing is locked: the LSMs have no say in an ordinary write.
 *
 * Context: mmap lock in either mode, or VMA read lock. After the lock was
 * dropped and taken again the answer has to be asked for again.
 * Return: 0, or -EPERM if an LSM refused, whichever error it gave.
 */
static inline int vma_forced_write(struct vm_area_struct *vma,
				   unsigned long start, unsigned long end,
				   enum forced_write_via via)
{
	if (!vma_attr_sealed(vma) &&
	    likely((vma->vm_flags & (VM_WRITE | VM_SHADOW_STACK)) == VM_WRITE))
		return 0;

	return __vma_forced_write(vma, start, end, via);
}

#else

static inline int vma_forced_write(struct vm_area_struct *vma,
				   unsigned long start, unsigned long end,
				   enum forced_write_via via)
{
	return 0;
}

#endif /* CONFIG_SECURITY */

#endif /* _LINUX_FORCED_WRITE_H */
