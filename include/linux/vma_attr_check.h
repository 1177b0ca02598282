/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CONFIG_DEBUG_VMA_ATTR: was the VMA attribute lock asked? The primitives that
 * change a mapping call this, see mm/vma_attr_check.c. Without the option all of it
 * is empty.
 *
 * Documentation/mm/vma_attr_check.rst says how to read a warning.
 */
#ifndef _LINUX_VMA_ATTR_CHECK_H
#define _LINUX_VMA_ATTR_CHECK_H

#include <linux/types.h>

struct folio;
struct mm_struct;
struct mmu_gather;
struct vm_area_struct;
struct zap_details;

/**
 * enum vma_attr_change - What happened to a mapping, and what can be wrong with it
 * @VMA_ATTR_CHANGE_UNMAP: it, or a part of it, was removed
 * @VMA_ATTR_CHANGE_MOVE: its page tables moved elsewhere
 * @VMA_ATTR_CHANGE_PROTECT: the protection of its page tables changed
 * @VMA_ATTR_CHANGE_ZAP: its pages were unmapped, without it
 * @VMA_ATTR_CHANGE_LAZYFREE: its pages were given to reclaim
 * @VMA_ATTR_CHANGE_GUARD: guard markers were set
 * @VMA_ATTR_CHANGE_UNGUARD: guard markers were removed
 * @VMA_ATTR_CHANGE_FILL: a userfaultfd filled a hole
 * @VMA_ATTR_CHANGE_EMPTY: a userfaultfd moved its pages away
 * @VMA_ATTR_CHANGE_INSERT: the kernel inserted pages, not for a fault
 * @VMA_ATTR_CHANGE_WRITE: its pages were looked up in order to write to them
 *	regardless of its protection
 * @NR_VMA_ATTR_ASKED_CHANGES: those before are permitted if a question was asked
 * @VMA_ATTR_CHANGE_DROP_COW: truncation dropped a private copy that a seal keeps
 * @VMA_ATTR_CHANGE_SEALED: what SEAL_MAP or SEAL_PROT promised does not hold
 * @VMA_ATTR_CHANGE_REFUSED: an operation was refused after it had changed something
 * @VMA_ATTR_CHANGE_UNFLUSHED: mseal() returns while TLBs may have older entries
 * @NR_VMA_ATTR_CHANGES: number of changes
 */
enum vma_attr_change {
	VMA_ATTR_CHANGE_UNMAP,
	VMA_ATTR_CHANGE_MOVE,
	VMA_ATTR_CHANGE_PROTECT,
	VMA_ATTR_CHANGE_ZAP,
	VMA_ATTR_CHANGE_LAZYFREE,
	VMA_ATTR_CHANGE_GUARD,
	VMA_ATTR_CHANGE_UNGUARD,
	VMA_ATTR_CHANGE_FILL,
	VMA_ATTR_CHANGE_EMPTY,
	VMA_ATTR_CHANGE_INSERT,
	VMA_ATTR_CHANGE_WRITE,
	NR_VMA_ATTR_ASKED_CHANGES,
	VMA_ATTR_CHANGE_DROP_COW = NR_VMA_ATTR_ASKED_CHANGES,
	VMA_ATTR_CHANGE_SEALED,
	VMA_ATTR_CHANGE_REFUSED,
	VMA_ATTR_CHANGE_UNFLUSHED,
	NR_VMA_ATTR_CHANGES,
};

#ifdef CONFIG_DEBUG_VMA_ATTR

#include <linux/jump_label.h>

DECLARE_STATIC_KEY_FALSE(vma_attr_check_key);

static __always_inline bool vma_attr_check_on(void)
{
	return static_branch_unlikely(&vma_attr_check_key);
}

#define VMA_ATTR_CHECK_NR_ASKED	16

/**
 * struct vma_attr_asked - Questions that were answered with yes
 * @mm: the mm, NULL if this slot is free
 * @start: first address of the range that was asked about
 * @end: end address, exclusive
 * @ops: a bit per &enum vma_attr_op, and VMA_ATTR_ASKED_LSMS
 */
struct vma_attr_asked {
	const struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	u32 ops;
};

/**
 * struct vma_attr_check_task - What a task asked, and what it changed
 * @asked: the last questions
 * @next: the slot of @asked that is used next
 * @faults: how many page faults the task is in
 * @changed: the mm that the task has changed under the lock that it holds
 */
struct vma_attr_check_task {
	struct vma_attr_asked asked[VMA_ATTR_CHECK_NR_ASKED];
	unsigned int next;
	unsigned int faults;
	const struct mm_struct *changed;
};

/**
 * struct vma_attr_check_mm - What an mm was like when its lock was last held
 * @nr: number of @promises
 * @stale: a mapping was sealed under the lock that is held
 * @flushed: mseal() flushed, under the lock that is held
 * @seal_seq: the gathers up to this one began before the seal that is being set
 * @promises: the mappings with SEAL_MAP, in the order of their addresses
 */
struct vma_attr_check_mm {
	unsigned int nr;
	bool stale;
	bool flushed;
	u64 seal_seq;
	struct vma_attr_promise *promises;
};

#else

static __always_inline bool vma_attr_check_on(void)
{
	return false;
}

#endif /* CONFIG_DEBUG_VMA_ATTR */

bool __vma_attr_check_asked(const struct mm_struct *mm, unsigned long start,
			    unsigned long end, unsigned int op, bool permitted);
int __vma_attr_check_lsms_asked(const struct vm_area_struct *vma, unsigned long start,
				unsigned long end, int err);
void __vma_attr_check_exempt(const struct mm_struct *mm, unsigned long start,
			     unsigned long end, enum vma_attr_change change);
void __vma_attr_check_change(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end, enum vma_attr_change change);
void __vma_attr_check_range(struct mm_struct *mm, unsigned long start,
			    unsigned long end, enum vma_attr_change change);
void __vma_attr_check_zap(struct vm_area_struct *vma, unsigned long start,
			  unsigned long end, const struct zap_details *details);
void __vma_attr_check_drop(struct vm_area_struct *vma, unsigned long addr,
			   const struct zap_details *details,
			   const struct folio *folio);
bool __vma_attr_check_keeps_cows(struct vm_area_struct *vma);
void __vma_attr_check_drop_cow(struct vm_area_struct *vma, unsigned long start,
			       unsigned long end);
void __vma_attr_check_insert(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end);
void __vma_attr_check_gup(struct vm_area_struct *vma, unsigned long addr,
			  unsigned int gup_flags, bool pages);
void __vma_attr_check_truncate(struct vm_area_struct *vma, struct zap_details *details);
void __vma_attr_check_fault(int n);
void __vma_attr_check_released(struct mm_struct *mm, bool write);
void __vma_attr_check_next(void);
void __vma_attr_check_seal(struct mm_struct *mm);
void __vma_attr_check_flushed(struct mm_struct *mm);
void __vma_attr_check_sealed(struct mm_struct *mm, unsigned long start,
			     unsigned long end);
void __vma_attr_check_gather(struct mmu_gather *tlb, bool begin);
void __vma_attr_check_fork(struct mm_struct *mm, struct mm_struct *oldmm);
void __vma_attr_check_exit(struct mm_struct *mm);
void __vma_attr_check_mm_init(struct mm_struct *mm);

/**
 * vma_attr_check_asked() - The attribute lock has answered a question
 * @mm: the mm
 * @start: first address of the range that was asked about
 * @end: end address, exclusive
 * @op: &enum vma_attr_op
 * @permitted: the answer
 *
 * Nothing but @permitted is evaluated while the check is off.
 *
 * Context: mmap lock or VMA lock, the one under which the operation is done.
 * Return: the answer to give, which is @permitted.
 */
#define vma_attr_check_asked(mm, start, end, op, permitted)			\
({										\
	bool __permitted = (permitted);						\
										\
	if (vma_attr_check_on())						\
		__permitted = __vma_attr_check_asked(mm, start, end, op,	\
						     __permitted);		\
	__permitted;								\
})

/**
 * vma_attr_check_lsms_asked() - The LSMs have answered about a forced write
 * @vma: the mapping
 * @start: first address
 * @end: end address, exclusive
 * @err: their answer: 0 or -EPERM
 *
 * Nothing but @err is evaluated while the check is off.
 *
 * Context: as for vma_attr_check_asked().
 * Return: the answer to give, which is @err.
 */
#define vma_attr_check_lsms_asked(vma, start, end, err)				\
({										\
	int __err = (err);							\
										\
	if (vma_attr_check_on())						\
		__err = __vma_attr_check_lsms_asked(vma, start, end, __err);	\
	__err;									\
})

/**
 * vma_attr_check_exempt() - This change does not have to be asked about
 * @mm: the mm
 * @start: first address
 * @end: end address, exclusive
 * @change: the change; below NR_VMA_ATTR_ASKED_CHANGES
 *
 * Say why where you call it. A sealed mapping is not exempt.
 *
 * Context: as for vma_attr_check_asked().
 */
static __always_inline void vma_attr_check_exempt(const struct mm_struct *mm,
						  unsigned long start, unsigned long end,
						  enum vma_attr_change change)
{
	if (vma_attr_check_on())
		__vma_attr_check_exempt(mm, start, end, change);
}

/**
 * vma_attr_check_change() - A primitive changes a mapping
 * @vma: the mapping
 * @start: first address
 * @end: end address, exclusive
 * @change: what it does; below NR_VMA_ATTR_ASKED_CHANGES
 *
 * Nothing is evaluated while the check is off.
 *
 * Context: mmap lock or VMA lock; page table locks may be held.
 */
#define vma_attr_check_change(vma, start, end, change)				\
do {										\
	if (vma_attr_check_on())						\
		__vma_attr_check_change(vma, start, end, change);		\
} while (0)

/**
 * vma_attr_check_range() - A primitive changes all mappings of a range
 * @mm: the mm
 * @start: first address
 * @end: end address, exclusive
 * @change: what it does; below NR_VMA_ATTR_ASKED_CHANGES
 *
 * For primitives that do not have the VMAs at hand.
 *
 * Context: mmap lock of @mm.
 */
static __always_inline void vma_attr_check_range(struct mm_struct *mm,
						 unsigned long start, unsigned long end,
						 enum vma_attr_change change)
{
	if (vma_attr_check_on())
		__vma_attr_check_range(mm, start, end, change);
}

/**
 * vma_attr_check_zap() - Pages of a mapping are unmapped, and the mapping stays
 * @vma: the mapping
 * @start: first address
 * @end: end address, exclusive
 * @details: how; from vma_attr_check_truncate() if the file is truncated
 *
 * Context: as for vma_attr_check_change(), or i_mmap_rwsem of the file.
 */
static __always_inline void vma_attr_check_zap(struct vm_area_struct *vma,
					       unsigned long start, unsigned long end,
					       const struct zap_details *details)
{
	if (vma_attr_check_on())
		__vma_attr_check_zap(vma, start, end, details);
}

/**
 * vma_attr_check_drop() - A page, or what stands for one, is about to be unmapped
 * @vma: the mapping
 * @addr: its address
 * @details: as for vma_attr_check_zap()
 * @folio: what it is a page of; NULL if it is a private copy that was swapped out
 *
 * Context: page table lock.
 */
static __always_inline void vma_attr_check_drop(struct vm_area_struct *vma,
						unsigned long addr,
						const struct zap_details *details,
						const struct folio *folio)
{
	if (vma_attr_check_on())
		__vma_attr_check_drop(vma, addr, details, folio);
}

/**
 * vma_attr_check_insert() - The kernel inserts pages into a mapping
 * @vma: the mapping
 * @start: first address
 * @end: end address, exclusive
 *
 * Context: as for vma_attr_check_change().
 */
static __always_inline void vma_attr_check_insert(struct vm_area_struct *vma,
						  unsigned long start, unsigned long end)
{
	if (vma_attr_check_on())
		__vma_attr_check_insert(vma, start, end);
}

/**
 * vma_attr_check_gup() - Pages of a mapping are looked up
 * @vma: the mapping
 * @addr: address of the first one
 * @gup_flags: FOLL_*
 * @pages: are they given to the caller, or only faulted in?
 *
 * Context: mmap lock.
 */
static __always_inline void vma_attr_check_gup(struct vm_area_struct *vma,
					       unsigned long addr, unsigned int gup_flags,
					       bool pages)
{
	if (vma_attr_check_on())
		__vma_attr_check_gup(vma, addr, gup_flags, pages);
}

/**
 * vma_attr_check_truncate() - A file is truncated, or its pages are invalidated
 * @vma: one of its mappings
 * @details: given to zap_vma_range_batched() afterwards
 *
 * Call this before vma_attr_keeps_cows(), which may see a seal that is set meanwhile.
 *
 * Context: i_mmap_rwsem of the file.
 */
static __always_inline void vma_attr_check_truncate(struct vm_area_struct *vma,
						    struct zap_details *details)
{
	if (vma_attr_check_on())
		__vma_attr_check_truncate(vma, details);
}

/**
 * vma_attr_check_keeps_cows() - A file in hugetlbfs is truncated: what has to stay?
 * @vma: one of its mappings
 *
 * unmap_hugepage_range() has flags instead of &struct zap_details: give it
 * ZAP_FLAG_CHECK_COWS if this returns true. As vma_attr_check_truncate(), call it before
 * vma_attr_keeps_cows().
 *
 * Context: i_mmap_rwsem of the file.
 * Return: does a seal keep private copies in @vma? false while the check is off.
 */
static __always_inline bool vma_attr_check_keeps_cows(struct vm_area_struct *vma)
{
	return vma_attr_check_on() && __vma_attr_check_keeps_cows(vma);
}

/**
 * vma_attr_check_drop_huge() - Truncation is about to unmap a huge page
 * @vma: the mapping
 * @start: address of the page
 * @end: end of the page, exclusive
 * @cow: is it a private copy, and was ZAP_FLAG_CHECK_COWS given?
 *
 * Nothing is evaluated while the check is off.
 *
 * Context: page table lock.
 */
#define vma_attr_check_drop_huge(vma, start, end, cow)				\
do {										\
	if (vma_attr_check_on() && (cow))					\
		__vma_attr_check_drop_cow(vma, start, end);			\
} while (0)

/**
 * vma_attr_check_fault() - A page fault begins or ends
 * @n: 1 if it begins, -1 if it ends
 */
static __always_inline void vma_attr_check_fault(int n)
{
	if (vma_attr_check_on())
		__vma_attr_check_fault(n);
}

/**
 * vma_attr_check_released() - current releases the mmap lock or a VMA lock
 * @mm: the mm
 * @write: is it the mmap lock, held for writing?
 *
 * Context: the lock is still held.
 */
static __always_inline void vma_attr_check_released(struct mm_struct *mm, bool write)
{
	if (vma_attr_check_on())
		__vma_attr_check_released(mm, write);
}

/**
 * vma_attr_check_next() - Another operation begins under the same lock
 *
 * It may be refused though the one before has changed something.
 */
static __always_inline void vma_attr_check_next(void)
{
	if (vma_attr_check_on())
		__vma_attr_check_next();
}

/**
 * vma_attr_check_seal() - A seal is about to be set
 * @mm: the mm
 *
 * Context: mmap write lock of @mm.
 */
static __always_inline void vma_attr_check_seal(struct mm_struct *mm)
{
	if (vma_attr_check_on())
		__vma_attr_check_seal(mm);
}

/**
 * vma_attr_check_flushed() - All CPUs have forgotten what left the range to be sealed
 * @mm: the mm
 *
 * Context: mmap write lock of @mm, held since vma_attr_check_seal().
 */
static __always_inline void vma_attr_check_flushed(struct mm_struct *mm)
{
	if (vma_attr_check_on())
		__vma_attr_check_flushed(mm);
}

/**
 * vma_attr_check_sealed() - mseal() is about to return success
 * @mm: the mm
 * @start: first address that was sealed
 * @end: end address, exclusive
 *
 * Context: as for vma_attr_check_flushed().
 */
static __always_inline void vma_attr_check_sealed(struct mm_struct *mm,
						  unsigned long start, unsigned long end)
{
	if (vma_attr_check_on())
		__vma_attr_check_sealed(mm, start, end);
}

/**
 * vma_attr_check_gather() - A gather of unmapped pages begins or has ended
 * @tlb: the gather
 * @begin: which of both
 */
static __always_inline void vma_attr_check_gather(struct mmu_gather *tlb, bool begin)
{
	if (vma_attr_check_on())
		__vma_attr_check_gather(tlb, begin);
}

/**
 * vma_attr_check_mm_init() - Start an mm of which nothing is known
 * @mm: the mm, which no other thread can see yet
 */
static __always_inline void vma_attr_check_mm_init(struct mm_struct *mm)
{
	if (vma_attr_check_on())
		__vma_attr_check_mm_init(mm);
}

/**
 * vma_attr_check_fork() - A child has got its copies of its parent's mappings
 * @mm: the child's mm
 * @oldmm: the parent's
 *
 * Context: mmap write lock of both.
 */
static __always_inline void vma_attr_check_fork(struct mm_struct *mm,
						struct mm_struct *oldmm)
{
	if (vma_attr_check_on())
		__vma_attr_check_fork(mm, oldmm);
}

/**
 * vma_attr_check_exit() - All mappings of an mm are about to go
 * @mm: the mm, which nobody uses any more
 */
static __always_inline void vma_attr_check_exit(struct mm_struct *mm)
{
	if (vma_attr_check_on())
		__vma_attr_check_exit(mm);
}

#endif /* _LINUX_VMA_ATTR_CHECK_H */
