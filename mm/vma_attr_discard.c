// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSEAL_DISCARD and operations that began before the seal, see
 * linux/vma_attr.h: mseal(2) waits for holes that are being punched, and keeps
 * pages that were freed lazily.
 */

#include <linux/mm.h>
#include <linux/pagewalk.h>
#include <linux/pgtable.h>
#include <linux/vma_attr.h>
#include <linux/wait_bit.h>

#include "internal.h"

/*
 * MADV_REMOVE cannot hold the mmap lock while the file system punches the hole:
 * the file system takes the inode lock, which nests outside of the mmap lock.
 * So a seal could be set between its check and the hole. Therefore mseal(2)
 * waits for the calls that are past their check. They are counted before they
 * drop the mmap lock, so an mseal(2) whose seal they did not see does see their
 * count.
 */

/**
 * vma_attr_punch_begin() - A hole is about to be punched on behalf of a mapping
 * @mm: the mm of the mapping
 *
 * Context: mmap lock of @mm, held since the attribute lock permitted it. It may
 * be dropped afterwards.
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

/**
 * vma_attr_wait_for_punches() - Wait for holes that were permitted before a seal
 * @mm: the mm, in which the seal is set
 *
 * A fatal signal ends the wait: then no thread is left that relies on the seal.
 *
 * Context: may sleep; the mmap lock of @mm is not held.
 */
void vma_attr_wait_for_punches(struct mm_struct *mm)
{
	(void)wait_var_event_killable(&mm->nr_punching,
				      !atomic_read(&mm->nr_punching));
}

/* Keep the pages of this page table that MADV_FREE has given up. */
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

/**
 * vma_attr_keep_lazyfree() - Keep pages that were freed lazily before a seal
 * @mm: the mm
 * @start: first address, page aligned
 * @end: end address, exclusive, page aligned
 *
 * Reclaim discards pages that MADV_FREE has given up unless they are dirty, so
 * mark them dirty. Other pages are marked dirty as well, because MADV_FREE may
 * still be pending in the folio batch of some CPU. For them this costs at most
 * one write to swap.
 *
 * Context: mmap write lock of @mm; all of the range is mapped, with its VMAs
 * write locked.
 */
void vma_attr_keep_lazyfree(struct mm_struct *mm, unsigned long start,
			    unsigned long end)
{
	walk_page_range(mm, start, end, &keep_lazyfree_ops, NULL);
}
