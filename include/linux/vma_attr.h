/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMA attribute lock: which attributes of a mapping are locked, and which
 * operations ask for which attribute. See Documentation/userspace-api/mseal.rst
 * for what user space is promised.
 *
 * A mapping has three attributes: where it is (MAP), what it permits (PROT) and
 * what it holds (DISCARD). Each has a lock bit in the VMA's flags:
 *
 *   VM_SEAL_MAP         the mapping stays, and stays where it is
 *   VM_SEAL_PROT        its protection does not change
 *   VM_SEAL_DISCARD_RO  the rule that mseal(2) with no flags always had: nobody
 *                       who cannot write discards private anonymous memory
 *   VM_SEAL_DISCARD     nobody who cannot write discards or fills anything
 *
 * A lock is only ever added. The bits travel with the VMA through split, merge
 * (VMAs whose bits differ do not merge), mremap() and fork(); exec drops them
 * with the mm. They are never sticky: that would lock the neighbour of a merge.
 *
 * Locking: the bits are written under the mmap write lock with the VMA write
 * locked, so they are stable under the mmap lock in either mode and under the
 * VMA read lock. What was learnt from them is void once the lock is dropped:
 * ask again after taking it anew.
 *
 * Only mm/vma_attr.c and this header touch the bits, held to that by
 * scripts/coccinelle/misc/vma_attr.cocci.
 */
#ifndef _LINUX_VMA_ATTR_H
#define _LINUX_VMA_ATTR_H

#include <linux/mm.h>

/**
 * enum vma_attr_op - Operations that change an attribute of a mapping
 * @VMA_ATTR_OP_NONE: changes none; always permitted
 * @VMA_ATTR_OP_UNMAP: the mapping, or a part of it, goes: munmap(), mmap() or
 *	shmat() over it, the destination of mremap(), brk(), shmdt(),
 *	remap_file_pages()
 * @VMA_ATTR_OP_REMAP: the source of mremap(), whatever it asks for
 * @VMA_ATTR_OP_REMAP_EMPTY: the source of mremap() with MREMAP_DONTUNMAP: it
 *	stays, but its pages leave
 * @VMA_ATTR_OP_PROTECT: mprotect(), pkey_mprotect()
 * @VMA_ATTR_OP_DONTFORK: MADV_DONTFORK, MADV_DOFORK: is it there in a child?
 * @VMA_ATTR_OP_DISCARD: MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE,
 *	MADV_REMOVE
 * @VMA_ATTR_OP_WIPEONFORK: MADV_WIPEONFORK
 * @VMA_ATTR_OP_KEEPONFORK: MADV_KEEPONFORK
 * @VMA_ATTR_OP_GUARD_INSTALL: MADV_GUARD_INSTALL
 * @VMA_ATTR_OP_GUARD_REMOVE: MADV_GUARD_REMOVE
 * @VMA_ATTR_OP_UFFD_REGISTER: UFFDIO_REGISTER in a mode that lets the monitor
 *	supply contents (missing, minor)
 * @VMA_ATTR_OP_UFFD_FILL: UFFDIO_COPY, UFFDIO_ZEROPAGE, UFFDIO_CONTINUE,
 *	UFFDIO_POISON and the destination of UFFDIO_MOVE: contents for a hole
 * @VMA_ATTR_OP_UFFD_EMPTY: the source of UFFDIO_MOVE: its pages leave
 * @NR_VMA_ATTR_OPS: how many there are
 *
 * What each asks for is in one place, vma_attr_rules[] in mm/vma_attr.c.
 */
enum vma_attr_op {
	VMA_ATTR_OP_NONE,
	VMA_ATTR_OP_UNMAP,
	VMA_ATTR_OP_REMAP,
	VMA_ATTR_OP_REMAP_EMPTY,
	VMA_ATTR_OP_PROTECT,
	VMA_ATTR_OP_DONTFORK,
	VMA_ATTR_OP_DISCARD,
	VMA_ATTR_OP_WIPEONFORK,
	VMA_ATTR_OP_KEEPONFORK,
	VMA_ATTR_OP_GUARD_INSTALL,
	VMA_ATTR_OP_GUARD_REMOVE,
	VMA_ATTR_OP_UFFD_REGISTER,
	VMA_ATTR_OP_UFFD_FILL,
	VMA_ATTR_OP_UFFD_EMPTY,
	NR_VMA_ATTR_OPS,
};

/**
 * struct vma_attr_rule - What an operation asks of the attribute lock
 * @name: the row of the table in Documentation/userspace-api/mseal.rst
 * @always: any of these locks refuses the operation
 * @unless_writable: any of these refuses it to a caller who could not have
 *	written to the mapping; one who could has lost nothing to the caller
 */
struct vma_attr_rule {
	const char *name;
	vm_flags_t always;
	vm_flags_t unless_writable;
};

#if defined(CONFIG_64BIT) && defined(CONFIG_MMU)

extern const struct vma_attr_rule vma_attr_rules[NR_VMA_ATTR_OPS];

bool __vma_attr_permits(struct vm_area_struct *vma, enum vma_attr_op op);
bool vma_attr_range_permits(struct mm_struct *mm, unsigned long start,
			    unsigned long end, enum vma_attr_op op);
void vma_attr_punch_begin(struct mm_struct *mm);
void vma_attr_punch_end(struct mm_struct *mm);
vm_flags_t vma_attr_locks(unsigned long mseal_flags);
int vma_attr_lock_range(struct mm_struct *mm, unsigned long start,
			unsigned long end, vm_flags_t locks);

/**
 * vma_attr_mm_locked() - Has any mapping of an mm ever been locked?
 * @mm: the mm
 *
 * What keeps a process that never sealed anything from paying for a look at
 * every VMA of a range. Set before the first lock is, never cleared.
 *
 * Context: stable under the mmap lock, in either mode.
 * Return: false if no VMA of @mm has a lock.
 */
static inline bool vma_attr_mm_locked(const struct mm_struct *mm)
{
	return mm_flags_test(MMF_HAS_SEALS, mm);
}

/**
 * vma_attr_mm_mark() - Note that an mm is about to have a locked mapping
 * @mm: the mm
 * @flags: flags of the VMA that it is about to have
 *
 * For whoever sets a lock, or makes a VMA with its locks already set.
 *
 * Context: mmap write lock of @mm, or an mm that nobody else can see yet.
 */
static inline void vma_attr_mm_mark(struct mm_struct *mm, vm_flags_t flags)
{
	if (unlikely(flags & VM_SEAL_ANY))
		mm_flags_set(MMF_HAS_SEALS, mm);
}

/**
 * vma_attr_dup_mm() - Fork passes the locks on
 * @mm: the child's mm, before it gets its copies of the parent's VMAs
 * @oldmm: the parent's
 *
 * Context: mmap write lock of both.
 */
static inline void vma_attr_dup_mm(struct mm_struct *mm,
				   const struct mm_struct *oldmm)
{
	if (unlikely(vma_attr_mm_locked(oldmm)))
		mm_flags_set(MMF_HAS_SEALS, mm);
}

/**
 * vma_attr_locked() - Does a mapping have any attribute locked?
 * @vma: the mapping
 *
 * Context: mmap lock in either mode, or VMA read lock.
 * Return: true if one is.
 */
static __always_inline bool vma_attr_locked(struct vm_area_struct *vma)
{
	return unlikely(vma->vm_flags & VM_SEAL_ANY);
}

/**
 * vma_attr_permits() - Does the attribute lock of a mapping permit an operation?
 * @vma: the mapping
 * @op: what is about to be done to it, or to a part of it
 *
 * To be asked before anything is changed. "Writable" (see &struct
 * vma_attr_rule) is judged for the calling thread, its protection keys
 * included.
 *
 * Context: mmap lock in either mode, or VMA read lock. After the lock was
 * dropped and taken again the answer has to be asked for again.
 * Return: true if it may go ahead; if not, the caller fails with -EPERM.
 */
static __always_inline bool vma_attr_permits(struct vm_area_struct *vma,
					     enum vma_attr_op op)
{
	return !vma_attr_locked(vma) || __vma_attr_permits(vma, op);
}

/**
 * vma_attr_rest_permits() - Do the mappings behind the first permit an operation?
 * @vma: the first mapping of the range, asked for with vma_attr_permits()
 * @end: the end of the range, exclusive
 * @op: what is about to be done to every mapping of the range
 *
 * An operation on several mappings asks this before it changes the first, so
 * that a refusal leaves all of them as they were. Gaps are passed over. Costs
 * a walk only if the range leaves @vma in an mm that has locked mappings.
 *
 * Context: mmap lock in either mode.
 * Return: true if it may go ahead; if not, the caller fails with -EPERM.
 */
static __always_inline bool vma_attr_rest_permits(struct vm_area_struct *vma,
						  unsigned long end,
						  enum vma_attr_op op)
{
	return likely(end <= vma->vm_end) ||
	       likely(!vma_attr_mm_locked(vma->vm_mm)) ||
	       vma_attr_range_permits(vma->vm_mm, vma->vm_end, end, op);
}

/**
 * vma_attr_keeps_cows() - Do private copies outlive the file pages behind them?
 * @vma: the mapping
 *
 * Truncating a file unmaps the private copies of its pages as well. They hold
 * what this process stored, so while what a mapping holds is locked and it is
 * not writable, they stay. Whoever truncates need not even know the mapping, so
 * there is no caller to judge here, only the mapping.
 *
 * Context: i_mmap_rwsem of the file. The mmap lock is not held: a seal that is
 * being applied at this moment is seen or not seen.
 * Return: true if truncation is to leave them mapped.
 */
static inline bool vma_attr_keeps_cows(const struct vm_area_struct *vma)
{
	const vm_flags_t flags = READ_ONCE(vma->vm_flags);

	return unlikely(flags & VM_SEAL_DISCARD) && !(flags & VM_WRITE);
}

#else /* No room for the bits or no VMAs to have them: mseal(2) is ENOSYS. */

static inline bool vma_attr_mm_locked(const struct mm_struct *mm)
{
	return false;
}

static inline void vma_attr_mm_mark(struct mm_struct *mm, vm_flags_t flags)
{
}

static inline void vma_attr_dup_mm(struct mm_struct *mm,
				   const struct mm_struct *oldmm)
{
}

static inline bool vma_attr_locked(struct vm_area_struct *vma)
{
	return false;
}

static inline bool vma_attr_permits(struct vm_area_struct *vma,
				    enum vma_attr_op op)
{
	return true;
}

static inline bool vma_attr_keeps_cows(const struct vm_area_struct *vma)
{
	return false;
}

static inline bool vma_attr_rest_permits(struct vm_area_struct *vma,
					 unsigned long end, enum vma_attr_op op)
{
	return true;
}

static inline bool vma_attr_range_permits(struct mm_struct *mm,
					  unsigned long start, unsigned long end,
					  enum vma_attr_op op)
{
	return true;
}

static inline void vma_attr_punch_begin(struct mm_struct *mm)
{
}

static inline void vma_attr_punch_end(struct mm_struct *mm)
{
}

#endif /* CONFIG_64BIT && CONFIG_MMU */

#endif /* _LINUX_VMA_ATTR_H */
