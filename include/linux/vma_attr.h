/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMA attribute lock: which attributes of a mapping are sealed, and which
 * operations a seal refuses. Documentation/userspace-api/mseal.rst describes
 * what user space is promised.
 *
 * A mapping has three attributes: where it is (MAP), what it permits (PROT) and
 * what it holds (DISCARD). Each has a seal bit among the VMA's flags. The
 * fourth bit is the weak discard rule, which is what mseal(2) without flags
 * seals of the contents: private anonymous memory is not discarded without
 * write access. A mask of seals has the values of mseal(2)'s flags and
 * SEAL_DISCARD_WEAK:
 *
 *   SEAL_MAP           the mapping stays, and stays where it is
 *   SEAL_PROT          its protection does not change
 *   SEAL_DISCARD       nothing is discarded or filled without write access
 *   SEAL_DISCARD_WEAK  the weak discard rule; SEAL_DISCARD implies it
 *
 * mseal(2) sets seals; nothing clears them. The bits travel with the VMA
 * through split, merge (VMAs whose bits differ do not merge), mremap() and
 * fork(); exec drops them with the mm. They are never sticky: that would seal
 * the neighbour of a merge.
 *
 * Locking: the bits are written under the mmap write lock with the VMA write
 * locked, so they are stable under the mmap lock in either mode and under the
 * VMA read lock. An answer that depends on them is void once the lock is
 * dropped: ask again after retaking it. The bounds of all sealed VMAs of an mm
 * (seal_start and seal_end of &struct mm_struct) are written under the mmap
 * write lock and read under the mmap lock; they only ever widen.
 *
 * Only mm/vma_attr.c and this header touch the bits, which
 * scripts/coccinelle/misc/vma_attr.cocci checks.
 */
#ifndef _LINUX_VMA_ATTR_H
#define _LINUX_VMA_ATTR_H

#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/tracepoint-defs.h>
#include <linux/vma_attr_check.h>

#define SEAL_MAP		MSEAL_MAP
#define SEAL_PROT		MSEAL_PROT
#define SEAL_DISCARD		MSEAL_DISCARD
#define SEAL_DISCARD_WEAK	0x8
#define SEAL_ANY		(SEAL_MAP | SEAL_PROT | SEAL_DISCARD | SEAL_DISCARD_WEAK)

/* The bits of a VMA's flags are in the same order. */
#define SEAL_SHIFT		((__force int)VMA_SEAL_MAP_BIT)

/**
 * enum vma_attr_op - Operations that change an attribute of a mapping
 * @VMA_ATTR_OP_NONE: changes none; always permitted
 * @VMA_ATTR_OP_UNMAP: the mapping, or a part of it, is removed: munmap(),
 *	mmap() or shmat() over it, the destination of mremap(), brk(), shmdt(),
 *	remap_file_pages()
 * @VMA_ATTR_OP_REMAP: the source of mremap(), whatever it asks for
 * @VMA_ATTR_OP_REMAP_EMPTY: the source of mremap() with MREMAP_DONTUNMAP: it
 *	stays, but its pages leave
 * @VMA_ATTR_OP_PROTECT: mprotect(), pkey_mprotect(), subpage_prot() of powerpc
 * @VMA_ATTR_OP_DONTFORK: MADV_DONTFORK: a child does not get it. MADV_DOFORK,
 *	which gives it to children again, is VMA_ATTR_OP_NONE.
 * @VMA_ATTR_OP_DISCARD: MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE,
 *	MADV_REMOVE, pages that a KVM guest on s390 gives up
 * @VMA_ATTR_OP_WIPEONFORK: MADV_WIPEONFORK
 * @VMA_ATTR_OP_KEEPONFORK: MADV_KEEPONFORK
 * @VMA_ATTR_OP_GUARD_INSTALL: MADV_GUARD_INSTALL
 * @VMA_ATTR_OP_GUARD_REMOVE: MADV_GUARD_REMOVE
 * @VMA_ATTR_OP_UFFD_REGISTER: UFFDIO_REGISTER in a mode that lets the monitor
 *	supply contents (missing, minor)
 * @VMA_ATTR_OP_UFFD_FILL: UFFDIO_COPY, UFFDIO_ZEROPAGE, UFFDIO_CONTINUE,
 *	UFFDIO_POISON and the destination of UFFDIO_MOVE: contents for a hole
 * @VMA_ATTR_OP_UFFD_EMPTY: the source of UFFDIO_MOVE: its pages leave
 * @VMA_ATTR_OP_ZEROCOPY: TCP_ZEROCOPY_RECEIVE: other pages of a socket
 * @NR_VMA_ATTR_OPS: number of operations
 *
 * vma_attr_rules[] in mm/vma_attr.c says which seals refuse which operation.
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
	VMA_ATTR_OP_ZEROCOPY,
	NR_VMA_ATTR_OPS,
};

/**
 * struct vma_attr_rule - Which seals refuse an operation
 * @name: the row of the table in Documentation/userspace-api/mseal.rst
 * @always: mask of SEAL_*; any of these refuses the operation
 * @unless_writable: mask of SEAL_*; any of these refuses the operation to a
 *	caller that could not have written to the mapping. A caller that could
 *	is able to overwrite the contents anyway.
 */
struct vma_attr_rule {
	const char *name;
	u8 always;
	u8 unless_writable;
};

/**
 * struct vma_attr_refusal - A call that fails because of a seal
 * @vma: the first mapping of the range that refuses
 * @start: first address that the call is about
 * @end: end address, exclusive; the range may have other mappings as well
 * @op: the operation
 * @seals: mask of SEAL_*, the seals of @vma
 * @refused_by: those of @seals that refuse @op
 * @nr: number of the system call, or -1 in a kernel thread
 *
 * For the trace event mseal_refused and the audit record.
 */
struct vma_attr_refusal {
	const struct vm_area_struct *vma;
	unsigned long start;
	unsigned long end;
	enum vma_attr_op op;
	unsigned int seals;
	unsigned int refused_by;
	int nr;
};

struct audit_buffer;

pid_t mm_owner_pid(const struct mm_struct *mm);
void mseal_quote_name(char *to, size_t size, const char *name);
void audit_log_seals(struct audit_buffer *ab, const char *field, unsigned int seals);
void audit_log_vma_file(struct audit_buffer *ab, const struct vm_area_struct *vma);

#if defined(CONFIG_64BIT) && defined(CONFIG_MMU)

extern const struct vma_attr_rule vma_attr_rules[NR_VMA_ATTR_OPS];

bool __vma_attr_permits(struct vm_area_struct *vma, enum vma_attr_op op);
unsigned int vma_attr_refusing_seals(struct vm_area_struct *vma, enum vma_attr_op op);
void __vma_attr_refused(struct vm_area_struct *vma, unsigned long start,
			unsigned long end, enum vma_attr_op op);
bool __vma_attr_permits_to(struct vm_area_struct *vma, unsigned long end,
			   enum vma_attr_op op);
struct vm_area_struct *__vma_attr_find_refusal(struct vm_area_struct *vma,
					       unsigned long end,
					       enum vma_attr_op op);
bool __vma_attr_range_permits(struct mm_struct *mm, unsigned long start,
			      unsigned long end, enum vma_attr_op op);
int __vma_attr_still_permits(struct mm_struct *mm, unsigned long start,
			     unsigned long end, const struct file *file,
			     loff_t offset, enum vma_attr_op op);
bool vma_attr_mseal_flags_known(unsigned long mseal_flags);
unsigned long vma_attr_seals(const struct vm_area_struct *vma);
int vma_attr_seal_range(struct mm_struct *mm, unsigned long start,
			unsigned long end, unsigned long mseal_flags);
void vma_attr_seal_made(struct vm_area_struct *vma);

/**
 * vma_attr_mm_init() - Start an mm with no seal
 * @mm: the mm, which no other thread can see yet
 */
static inline void vma_attr_mm_init(struct mm_struct *mm)
{
	mm->seal_start = ULONG_MAX;
	mm->seal_end = 0;
	vma_attr_check_mm_init(mm);
}

/**
 * vma_attr_dup_mm() - Copy the bounds of the seals at fork
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
 * vma_attr_mm_sealed() - Has any mapping of an mm ever been sealed?
 * @mm: the mm
 *
 * Context: stable under the mmap lock, in either mode.
 * Return: false if no VMA of @mm has a seal.
 */
static inline bool vma_attr_mm_sealed(const struct mm_struct *mm)
{
	return unlikely(mm->seal_end);
}

/*
 * May a VMA in [start, end) have a seal? This saves a process that sealed
 * nothing, or nothing here, the cost of checking every VMA of a range.
 */
static __always_inline bool vma_attr_may_be_sealed(const struct mm_struct *mm,
						   unsigned long start,
						   unsigned long end)
{
	return unlikely(start < mm->seal_end) && end > mm->seal_start;
}

/**
 * vma_attr_sealed() - Does a mapping have any seal?
 * @vma: the mapping
 *
 * Context: mmap lock in either mode, or VMA read lock.
 * Return: true if it has one.
 */
static __always_inline bool vma_attr_sealed(const struct vm_area_struct *vma)
{
	/* Built for size, vma_test_any_mask() makes up its mask at run time. */
	return unlikely(vma_flags_to_legacy(vma->flags) & VM_SEAL_ANY);
}

/**
 * vma_attr_permits() - Do the seals of a mapping permit an operation?
 * @vma: the mapping
 * @op: what is about to be done to it, or to a part of it
 *
 * Call this before changing anything. "Writable" (see &struct vma_attr_rule)
 * means writable by the calling thread, its protection keys included.
 *
 * Context: mmap lock in either mode, or VMA read lock. If the lock was dropped,
 * call this again after retaking it.
 * Return: true if it may go ahead; if not, the caller fails with what
 * vma_attr_refused() returns.
 */
static __always_inline bool vma_attr_permits(struct vm_area_struct *vma,
					     enum vma_attr_op op)
{
	return vma_attr_check_asked(vma->vm_mm, vma->vm_start, vma->vm_end, op,
				    !vma_attr_sealed(vma) ||
				    __vma_attr_permits(vma, op));
}

/**
 * vma_attr_permits_to() - Do a mapping and those after it permit an operation?
 * @vma: the first mapping that ends after the start of the range; ignored if it
 *	begins at or after the end
 * @end: the end of the range, exclusive
 * @op: what is about to be done to every mapping of the range
 *
 * An operation on several mappings calls this before it changes the first, so
 * that a refusal leaves all of them as they were. Gaps are ignored. It walks
 * the VMAs only if the range extends beyond @vma and there may be seals in it.
 *
 * Context: mmap lock in either mode.
 * Return: true if it may go ahead; if not, the caller fails with what
 * vma_attr_refused() returns.
 */
static __always_inline bool vma_attr_permits_to(struct vm_area_struct *vma,
						unsigned long end,
						enum vma_attr_op op)
{
	return vma_attr_check_asked(vma->vm_mm, vma->vm_start, end, op,
				    !vma_attr_may_be_sealed(vma->vm_mm,
							    vma->vm_start, end) ||
				    __vma_attr_permits_to(vma, end, op));
}

/**
 * vma_attr_find_refusal() - Which of a mapping and those adjacent refuses?
 * @vma: the first mapping of the range
 * @end: the end of the range, exclusive
 * @op: what is about to be done to every mapping of the range
 *
 * As vma_attr_permits_to(), for an operation that ends at the first gap and that
 * has to know how far it would have come.
 *
 * Context: mmap lock in either mode.
 * Return: the first mapping whose seals refuse; when the caller comes to it, it fails
 * with what vma_attr_refused() returns. NULL if all permit it, up to the first gap or
 * the end.
 */
static __always_inline struct vm_area_struct *
vma_attr_find_refusal(struct vm_area_struct *vma, unsigned long end,
		      enum vma_attr_op op)
{
	struct vm_area_struct *refusal = NULL;

	if (vma_attr_may_be_sealed(vma->vm_mm, vma->vm_start, end))
		refusal = __vma_attr_find_refusal(vma, end, op);

	return vma_attr_check_asked(vma->vm_mm, vma->vm_start, end, op, !refusal) ?
		NULL : refusal;
}

/**
 * vma_attr_range_permits() - Do all mappings of a range permit an operation?
 * @mm: the mm
 * @start: first address
 * @end: end address, exclusive
 * @op: what is about to be done to every mapping of the range
 *
 * For callers that do not have the first VMA of the range; with it,
 * vma_attr_permits_to() is cheaper. Gaps are ignored.
 *
 * Context: mmap lock of @mm in either mode.
 * Return: true if it may go ahead; if not, the caller fails with what
 * vma_attr_range_refused() returns.
 */
static __always_inline bool vma_attr_range_permits(struct mm_struct *mm,
						   unsigned long start,
						   unsigned long end,
						   enum vma_attr_op op)
{
	return vma_attr_check_asked(mm, start, end, op,
				    !vma_attr_may_be_sealed(mm, start, end) ||
				    __vma_attr_range_permits(mm, start, end, op));
}

DECLARE_STATIC_KEY_FALSE(vma_attr_refusals_wanted);
DECLARE_TRACEPOINT(mseal_refused);

/* Does anything want to know of refusals? A refused call asks for nothing else. */
static __always_inline bool vma_attr_reports_refusals(void)
{
	return tracepoint_enabled(mseal_refused) ||
	       static_branch_unlikely(&vma_attr_refusals_wanted);
}

/**
 * vma_attr_refused() - Fail, because the seals of a mapping do not permit a call
 * @vma: the first mapping of the range, or the one that refuses
 * @start: first address that the call is about
 * @end: end address, exclusive
 * @op: what the attribute lock was asked about
 *
 * Reports the refusal: by the trace event mseal_refused, by an audit record if
 * kernel.mseal_audit is 1, and in the log if the mapping is a system mapping. Call this
 * once per system call, where nothing can change its error any more, and under the lock
 * under which vma_attr_permits() was asked.
 *
 * Context: mmap lock in either mode, or VMA read lock if @vma refuses.
 * Return: -EPERM
 */
static inline int vma_attr_refused(struct vm_area_struct *vma, unsigned long start,
				   unsigned long end, enum vma_attr_op op)
{
	if (vma_attr_reports_refusals())
		__vma_attr_refused(vma, start, end, op);

	return -EPERM;
}

/**
 * vma_attr_range_refused() - Fail, because seals in a range do not permit a call
 * @mm: the mm
 * @start: first address that the call is about
 * @end: end address, exclusive
 * @op: what the attribute lock was asked about
 *
 * As vma_attr_refused(), for callers of vma_attr_range_permits().
 *
 * Context: mmap lock of @mm in either mode.
 * Return: -EPERM
 */
static inline int vma_attr_range_refused(struct mm_struct *mm, unsigned long start,
					 unsigned long end, enum vma_attr_op op)
{
	if (vma_attr_reports_refusals())
		__vma_attr_refused(find_vma(mm, start), start, end, op);

	return -EPERM;
}

/**
 * vma_attr_still_permits() - Ask again about a file, after a lock was dropped
 * @mm: the mm
 * @start: first address of the range that was asked about
 * @end: end address, exclusive
 * @file: what all of it mapped then
 * @offset: of @start in @file, in bytes
 * @op: what is about to be done
 *
 * For an operation on the file itself: while the lock was dropped the mapping may
 * have been sealed, or moved elsewhere and sealed there. So the range still has to
 * map these pages of @file. In a process that never sealed anything there is
 * nothing to ask.
 *
 * Context: mmap lock of @mm in either mode.
 * Return: 0, -EPERM if a mapping does not permit it, -ENOMEM if the range no longer
 * maps these pages.
 */
static inline int vma_attr_still_permits(struct mm_struct *mm, unsigned long start,
					 unsigned long end, const struct file *file,
					 loff_t offset, enum vma_attr_op op)
{
	if (likely(!vma_attr_mm_sealed(mm)))
		return 0;

	return __vma_attr_still_permits(mm, start, end, file, offset, op);
}

/**
 * vma_attr_keeps_cows() - Does truncation leave private copies mapped?
 * @vma: the mapping
 *
 * Truncating a file also unmaps the private copies of its pages. They hold what
 * this process stored, so they stay if the mapping has SEAL_DISCARD and is not
 * writable. The process that truncates need not have the mapping, so only the
 * mapping decides, not the caller. Reclaim asks as well, about pages that a guest
 * no longer uses (s390).
 *
 * Context: i_mmap_rwsem of the file, or for reclaim the rmap lock and the page
 * table lock. The mmap lock is not held, so a seal that is being set at the same
 * time may or may not be seen; mseal(2) waits for those that did not see it, see
 * mm/vma_attr_discard.c.
 * Return: true if the private copies are to stay mapped.
 */
static inline bool vma_attr_keeps_cows(const struct vm_area_struct *vma)
{
	/* One read: the VMA may change in the meantime. */
	const vma_flags_t flags = legacy_to_vma_flags(READ_ONCE(vma->vm_flags));

	return unlikely(vma_flags_test(&flags, VMA_SEAL_DISCARD_BIT)) &&
	       !vma_flags_test(&flags, VMA_WRITE_BIT);
}

/* The mask of SEAL_* in the flags of a VMA. */
static inline unsigned int vma_attr_seals_in(vm_flags_t flags)
{
	return (flags & VM_SEAL_ANY) >> SEAL_SHIFT;
}

#else /* No room for the bits, or no VMAs: mseal(2) returns ENOSYS. */

static inline void vma_attr_mm_init(struct mm_struct *mm)
{
}

static inline void vma_attr_dup_mm(struct mm_struct *mm,
				   const struct mm_struct *oldmm)
{
}

static inline bool vma_attr_mm_sealed(const struct mm_struct *mm)
{
	return false;
}

static inline bool vma_attr_sealed(const struct vm_area_struct *vma)
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

static inline unsigned int vma_attr_seals_in(vm_flags_t flags)
{
	return 0;
}

static inline bool vma_attr_keeps_cows(const struct vm_area_struct *vma)
{
	return false;
}

static inline int vma_attr_refused(struct vm_area_struct *vma, unsigned long start,
				   unsigned long end, enum vma_attr_op op)
{
	return -EPERM;
}

static inline int vma_attr_range_refused(struct mm_struct *mm, unsigned long start,
					 unsigned long end, enum vma_attr_op op)
{
	return -EPERM;
}

static inline bool vma_attr_permits_to(struct vm_area_struct *vma,
				       unsigned long end, enum vma_attr_op op)
{
	return true;
}

static inline struct vm_area_struct *
vma_attr_find_refusal(struct vm_area_struct *vma, unsigned long end,
		      enum vma_attr_op op)
{
	return NULL;
}

static inline bool vma_attr_range_permits(struct mm_struct *mm,
					  unsigned long start, unsigned long end,
					  enum vma_attr_op op)
{
	return true;
}

static inline int vma_attr_still_permits(struct mm_struct *mm, unsigned long start,
					 unsigned long end, const struct file *file,
					 loff_t offset, enum vma_attr_op op)
{
	return 0;
}

#endif /* CONFIG_64BIT && CONFIG_MMU */

/**
 * vma_write_is_forced() - Is a write that does not go through a mapping forced?
 * @vma: the mapping whose contents are written
 *
 * It is unless the mapping is writable and not sealed. vma_forced_write() asks
 * the LSMs about such writes; a fast path calls this before it calls that.
 *
 * Context: as for vma_forced_write().
 * Return: true if the LSMs have to be asked.
 */
static __always_inline bool vma_write_is_forced(const struct vm_area_struct *vma)
{
	return vma_attr_sealed(vma) ||
	       (vma->vm_flags & (VM_WRITE | VM_SHADOW_STACK)) != VM_WRITE;
}

#endif /* _LINUX_VMA_ATTR_H */
