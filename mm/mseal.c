// SPDX-License-Identifier: GPL-2.0-only
/*
 * mseal(2): lock attributes of a range of mappings.
 *
 * What can be locked, what that refuses and how it is kept is the business of
 * mm/vma_attr.c; what user space is promised, of
 * Documentation/userspace-api/mseal.rst. Here the arguments are checked and the
 * mmap lock is taken.
 */

#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/pagewalk.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/syscalls.h>
#include <linux/vma_attr.h>
#include <linux/wait_bit.h>

#include "internal.h"

/*
 * MADV_REMOVE cannot hold the mmap lock while the file system punches the hole:
 * that takes the inode's lock, which nests outside. So a seal could slip in
 * between its check and the hole. Instead mseal(2) waits for the ones that are
 * past their check. They were counted before they dropped the mmap lock, so a
 * seal that they did not see is one that sees them.
 */

/**
 * vma_attr_punch_begin() - A hole is about to be punched on behalf of a mapping
 * @mm: the mm of the mapping
 *
 * Context: mmap lock of @mm, held since the attribute lock permitted it. May be
 * dropped afterwards.
 */
void vma_attr_punch_begin(struct mm_struct *mm)
{
	atomic_inc(&mm->nr_punching);
}

/**
 * vma_attr_punch_end() - Undo vma_attr_punch_begin(), the hole is there
 * @mm: the mm of the mapping
 *
 * Context: any that may wake up; no lock needed.
 */
void vma_attr_punch_end(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->nr_punching))
		wake_up_var(&mm->nr_punching);
}

/*
 * Wait for the holes that were permitted before this seal. A signal that kills
 * ends the wait, as nobody is left then to rely on the seal.
 */
static void wait_for_punches(struct mm_struct *mm)
{
	(void)wait_var_event_killable(&mm->nr_punching,
				      !atomic_read(&mm->nr_punching));
}

/* Whatever MADV_FREE left in this page table to be discarded, keep. */
static int keep_lazyfree_pmd_entry(pmd_t *pmd, unsigned long addr,
				   unsigned long end, struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;
	struct folio *folio;
	pte_t *start_pte, *pte;
	spinlock_t *ptl;	/* of the page table, or of the huge entry */

	ptl = pmd_trans_huge_lock(pmd, vma);
	if (ptl) {
		const pmd_t pmdval = pmdp_get(pmd);

		if (pmd_is_migration_entry(pmdval)) {
			spin_unlock(ptl);
			pmd_migration_entry_wait(vma->vm_mm, pmd);
			walk->action = ACTION_AGAIN;
			return 0;
		}
		folio = NULL;
		if (pmd_present(pmdval))
			folio = vm_normal_folio_pmd(vma, addr, pmdval);
		if (folio && folio_test_anon(folio))
			folio_mark_dirty(folio);
		spin_unlock(ptl);
		return 0;
	}

	start_pte = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	if (!start_pte) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (pte = start_pte; addr != end; pte++, addr += PAGE_SIZE) {
		pte_t ptent = ptep_get(pte);

		if (!pte_present(ptent)) {
			if (!softleaf_is_migration(softleaf_from_pte(ptent)))
				continue;
			pte_unmap_unlock(start_pte, ptl);
			migration_entry_wait(vma->vm_mm, pmd, addr);
			walk->action = ACTION_AGAIN;
			return 0;
		}
		folio = vm_normal_folio(vma, addr, ptent);
		if (folio && folio_test_anon(folio) && !folio_test_dirty(folio))
			folio_mark_dirty(folio);
	}
	pte_unmap_unlock(start_pte, ptl);
	cond_resched();

	return 0;
}

static int keep_lazyfree_test_walk(unsigned long start, unsigned long end,
				   struct mm_walk *walk)
{
	/* MADV_FREE is for anonymous memory only. */
	return !vma_is_anonymous(walk->vma);
}

static const struct mm_walk_ops keep_lazyfree_ops = {
	.pmd_entry	= keep_lazyfree_pmd_entry,
	.test_walk	= keep_lazyfree_test_walk,
	.walk_lock	= PGWALK_WRLOCK,
};

/*
 * Pages that MADV_FREE gave up before the seal are discarded whenever memory
 * gets short, unless they are dirty by then: so make them dirty. Pages that are
 * none of those become dirty too, because MADV_FREE may still be on its way
 * through some CPU's folio batch; for them it means one write to swap at most.
 */
static void keep_lazyfree(struct mm_struct *mm, unsigned long start,
			  unsigned long end)
{
	walk_page_range(mm, start, end, &keep_lazyfree_ops, NULL);
}

/**
 * do_mseal() - Lock attributes of a range of the current process
 * @start: first address, page aligned
 * @len_in: length in bytes, rounded up to whole pages
 * @flags: MSEAL_*, or 0 for what mseal(2) locked before it had flags
 *
 * Unknown flags are refused ahead of everything else, so that
 * mseal(NULL, 0, flags) tells which flags a kernel knows. All or nothing: on
 * any error no page of the range has a lock that it did not have before.
 *
 * Context: process context; takes the mmap lock of the current mm for writing.
 * With MSEAL_DISCARD also waits for the MADV_REMOVE calls in progress in it.
 * Return: 0, or
 *
 * * -EINVAL: unknown @flags, @start not page aligned, the range wraps around, a
 *   mapping that cannot be locked this way or cannot be split at an end of the
 *   range;
 * * -ENOMEM: a part of the range is not mapped, or out of memory or of mappings
 *   (vm.max_map_count) for the split at an end of the range;
 * * -EPERM: an LSM does not permit it, see security_mseal();
 * * -EINTR: killed while waiting for the mmap lock.
 */
int do_mseal(unsigned long start, size_t len_in, unsigned long flags)
{
	const vm_flags_t locks = vma_attr_locks(flags);
	struct mm_struct *mm = current->mm;
	unsigned long end;
	size_t len;
	int ret;

	if (!locks)
		return -EINVAL;

	start = untagged_addr(start);
	if (!PAGE_ALIGNED(start))
		return -EINVAL;

	len = PAGE_ALIGN(len_in);
	if (len_in && !len)
		return -EINVAL;

	end = start + len;
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = vma_attr_lock_range(mm, start, end, locks, flags);
	if (!ret && (flags & MSEAL_DISCARD))
		keep_lazyfree(mm, start, end);
	mmap_write_unlock(mm);

	if (!ret && (flags & MSEAL_DISCARD))
		wait_for_punches(mm);

	return ret;
}

SYSCALL_DEFINE3(mseal, unsigned long, start, size_t, len, unsigned long, flags)
{
	return do_mseal(start, len, flags);
}
