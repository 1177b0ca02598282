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
 * ask again after taking it anew. The bounds of all locked VMAs of an mm
 * (seal_start and seal_end of &struct mm_struct) are written under the mmap write
 * lock and read under the mmap lock; they only ever widen.
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
bool __vma_attr_permits_to(struct vm_area_struct *vma, unsigned long end,
			   enum vma_attr_op op);
bool __vma_attr_range_permits(struct mm_struct *mm, unsigned long start,
			      unsigned long end, enum vma_attr_op op);
void __vma_attr_mark(const struct vm_area_struct *vma);
void vma_attr_punch_begin(struct mm_struct *mm);
void vma_attr_punch_end(struct mm_struct *mm);
vm_flags_t vma_attr_locks(unsigned long mseal_flags);
unsigned long vma_attr_seals(const struct vm_area_struct *vma);
int vma_attr_lock_range(struct mm_struct *mm, unsigned long start,
			unsigned long end, vm_flags_t locks,
			unsigned long mseal_flags);

/**
 * vma_attr_mm_init() - An mm starts with nothing locked
 * @mm: the mm, which nobody else can see yet
 */
static inline void vma_attr_mm_init(struct mm_struct *mm)
{
	mm->seal_start = ULONG_MAX;
	mm->seal_end = 0;
	atomic_set(&mm->nr_punching, 0);
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
	mm->seal_start = oldmm->seal_start;
	mm->seal_end = oldmm->seal_end;
}

/**
 * vma_attr_mm_locked() - Has any mapping of an mm ever been locked?
 * @mm: the mm
 *
 * Context: stable under the mmap lock, in either mode.
 * Return: false if no VMA of @mm has a lock.
 */
static inline bool vma_attr_mm_locked(const struct mm_struct *mm)
{
	return unlikely(mm->seal_end);
}

/*
 * May a VMA in [start, end) have locks? What keeps a process that sealed
 * nothing, or nothing here, from paying for a look at every VMA of a range.
 */
static __always_inline bool vma_attr_may_be_locked(const struct mm_struct *mm,
						   unsigned long start,
						   unsigned long end)
{
	return unlikely(start < mm->seal_end) && end > mm->seal_start;
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
 * vma_attr_mark() - Note where a mapping is that has locks
 * @vma: the mapping, with its locks set
 *
 * For whoever makes a VMA with its locks already set.
 *
 * Context: mmap write lock of its mm, or an mm that nobody else can see yet;
 * before @vma is in it.
 */
static inline void vma_attr_mark(struct vm_area_struct *vma)
{
	if (vma_attr_locked(vma))
		__vma_attr_mark(vma);
}

/**
 * vma_attr_take_back() - Open the locks of a mapping that was never in use
 * @vma: the mapping, made with its locks set, that its maker is about to unmap
 *
 * The only way for a lock to be opened. It is no unseal: nobody who could have
 * relied on the lock has ever seen the mapping.
 *
 * Context: mmap write lock of its mm, held since before @vma was in it.
 */
static inline void vma_attr_take_back(struct vm_area_struct *vma)
{
	vm_flags_clear(vma, VM_SEAL_ANY);
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
 * vma_attr_permits_to() - Do a mapping and those behind it permit an operation?
 * @vma: the first mapping that ends behind the start of the range; not asked if
 *	it begins behind the end
 * @end: the end of the range, exclusive
 * @op: what is about to be done to every mapping of the range
 *
 * An operation on several mappings asks this before it changes the first, so
 * that a refusal leaves all of them as they were. Gaps are passed over. Costs
 * a walk only if the range leaves @vma and there may be locks in it.
 *
 * Context: mmap lock in either mode.
 * Return: true if it may go ahead; if not, the caller fails with -EPERM.
 */
static __always_inline bool vma_attr_permits_to(struct vm_area_struct *vma,
						unsigned long end,
						enum vma_attr_op op)
{
	return !vma_attr_may_be_locked(vma->vm_mm, vma->vm_start, end) ||
	       __vma_attr_permits_to(vma, end, op);
}

/**
 * vma_attr_range_permits() - Do all mappings of a range permit an operation?
 * @mm: the mm
 * @start: first address
 * @end: end address, exclusive
 * @op: what is about to be done to every mapping of the range
 *
 * For where the first VMA of the range is not at hand, else vma_attr_permits_to()
 * is cheaper. Gaps are passed over.
 *
 * Context: mmap lock of @mm in either mode.
 * Return: true if it may go ahead; if not, the caller fails with -EPERM.
 */
static __always_inline bool vma_attr_range_permits(struct mm_struct *mm,
						   unsigned long start,
						   unsigned long end,
						   enum vma_attr_op op)
{
	return !vma_attr_may_be_locked(mm, start, end) ||
	       __vma_attr_range_permits(mm, start, end, op);
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

static inline void vma_attr_mm_init(struct mm_struct *mm)
{
}

static inline void vma_attr_dup_mm(struct mm_struct *mm,
				   const struct mm_struct *oldmm)
{
}

static inline bool vma_attr_mm_locked(const struct mm_struct *mm)
{
	return false;
}

static inline void vma_attr_mark(struct vm_area_struct *vma)
{
}

static inline bool vma_attr_locked(struct vm_area_struct *vma)
{
	return false;
}

static inline unsigned long vma_attr_seals(const struct vm_area_struct *vma)
{
	return 0;
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

static inline bool vma_attr_permits_to(struct vm_area_struct *vma,
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
