// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSEAL_DISCARD and operations that began before the seal, see
 * linux/vma_attr.h: mseal(2) waits for holes that are being punched, and keeps
 * pages that were freed lazily.
 */

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/pagemap.h>
#include <linux/pagewalk.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vma_attr.h>

#include <asm/tlbflush.h>

#include "internal.h"
#include "vma_attr_discard.h"

/*
 * MADV_REMOVE cannot hold the mmap lock while the file system punches the hole:
 * that takes the inode's lock, which nests outside. So a seal could be set between
 * its check and the hole. Instead mseal(2) waits for the holes that are being
 * punched in the pages that it sealed. A call is listed here from its last check
 * on, under the mmap lock: a seal that the check did not see finds the call here.
 *
 * punches_lock protects the list, the waits of each entry, and the counts and
 * nodes of those that wait. It nests inside of the mmap lock.
 */
static LIST_HEAD(punches);
static DEFINE_SPINLOCK(punches_lock);

/**
 * struct vma_attr_wait_node - One mseal() call waits for one hole
 * @node: in &vma_attr_punch.waits
 * @wait: the call
 */
struct vma_attr_wait_node {
	struct list_head node;
	struct vma_attr_wait *wait;
};

/**
 * vma_attr_punch_begin() - A hole is about to be punched on behalf of a mapping
 * @punch: filled in and listed; on the stack of the caller, which keeps it until
 *	vma_attr_punch_end()
 * @mm: the mm of the mapping
 * @file: the file
 * @start: offset of the hole in the file, in bytes
 * @len: its length in bytes, above 0
 *
 * Context: mmap lock of @mm, held since the attribute lock permitted it. It may
 * be dropped afterwards.
 */
void vma_attr_punch_begin(struct vma_attr_punch *punch, struct mm_struct *mm,
			  struct file *file, loff_t start, loff_t len)
{
	punch->mm = mm;
	punch->mapping = file->f_mapping;
	punch->first = start >> PAGE_SHIFT;
	punch->last = (start + len - 1) >> PAGE_SHIFT;
	INIT_LIST_HEAD(&punch->waits);

	spin_lock(&punches_lock);
	list_add_tail(&punch->node, &punches);
	spin_unlock(&punches_lock);
}

/**
 * vma_attr_punch_end() - The hole is there: let go those that wait for it
 * @punch: what vma_attr_punch_begin() has listed
 *
 * Context: process context; no lock needed.
 */
void vma_attr_punch_end(struct vma_attr_punch *punch)
{
	struct vma_attr_wait_node *w, *next;

	spin_lock(&punches_lock);
	list_del(&punch->node);
	list_for_each_entry_safe(w, next, &punch->waits, node) {
		list_del_init(&w->node);
		if (!--w->wait->pending)
			complete(&w->wait->done);
	}
	spin_unlock(&punches_lock);
}

/**
 * vma_attr_wait_prepare() - Get ready to wait for holes that are being punched
 * @wait: filled in
 * @mm: the mm
 *
 * Context: mmap write lock of @mm, held until vma_attr_wait_add(), so that no hole
 * is added in between.
 * Return: 0, or -ENOMEM; vma_attr_wait_finish() is called in either case.
 */
int vma_attr_wait_prepare(struct vma_attr_wait *wait, struct mm_struct *mm)
{
	struct vma_attr_punch *punch;
	unsigned int nr = 0;

	*wait = (struct vma_attr_wait){ };
	init_completion(&wait->done);
	/* Those of this mm were listed under its mmap lock, so they are seen. */
	if (likely(list_empty(&punches)))
		return 0;

	spin_lock(&punches_lock);
	list_for_each_entry(punch, &punches, node)
		nr += punch->mm == mm;
	spin_unlock(&punches_lock);
	if (!nr)
		return 0;

	wait->nodes = kvcalloc(nr, sizeof(*wait->nodes), GFP_KERNEL);
	return wait->nodes ? 0 : -ENOMEM;
}

/* Wait for the holes that are being punched in what the range maps of its files. */
static void wait_add_punches(struct vma_attr_wait *wait, struct mm_struct *mm,
			     unsigned long start, unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vma_attr_wait_node *w;
	struct vma_attr_punch *punch;
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end) {
		pgoff_t first, last;

		if (!vma->vm_file)
			continue;
		first = linear_page_index(vma, max(start, vma->vm_start));
		last = linear_page_index(vma, min(end, vma->vm_end) - 1);

		spin_lock(&punches_lock);
		list_for_each_entry(punch, &punches, node) {
			if (punch->mm != mm ||
			    punch->mapping != vma->vm_file->f_mapping ||
			    punch->first > last || punch->last < first)
				continue;
			/* Other calls for this mm are kept out: ours is the last. */
			w = list_empty(&punch->waits) ? NULL :
			    list_last_entry(&punch->waits, typeof(*w), node);
			if (w && w->wait == wait)
				continue;
			w = &wait->nodes[wait->used++];
			w->wait = wait;
			list_add_tail(&w->node, &punch->waits);
			wait->pending++;
		}
		spin_unlock(&punches_lock);
	}
}

/*
 * Truncating a file decides once for each VMA whether private copies stay, and then
 * may unmap for long, all of it under i_mmap_rwsem: let those pass that did not see
 * the seal.
 */
static void wait_for_truncations(struct mm_struct *mm, unsigned long start,
				 unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct address_space *mapping, *last = NULL;
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end) {
		if (!vma->vm_file || vma_test(vma, VMA_SHARED_BIT))
			continue;
		mapping = vma->vm_file->f_mapping;
		if (mapping == last)
			continue;
		i_mmap_lock_write(mapping);
		i_mmap_unlock_write(mapping);
		last = mapping;
	}
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

		flush_tlb_batched_pending(vma->vm_mm);

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
	/* Reclaim unmaps first and flushes later: not past the seal. */
	flush_tlb_batched_pending(vma->vm_mm);
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
	/* MADV_FREE is for anonymous memory only; s390 also drops unused pages. */
	return !vma_is_anonymous(walk->vma) &&
	       !(IS_ENABLED(CONFIG_S390) && walk->vma->anon_vma);
}

static const struct mm_walk_ops keep_lazyfree_ops = {
	.pmd_entry	= keep_lazyfree_pmd_entry,
	.test_walk	= keep_lazyfree_test_walk,
	.walk_lock	= PGWALK_WRLOCK,
};

/*
 * Pages that MADV_FREE gave up are discarded once memory gets short, unless they
 * are dirty by then: so make them dirty. Other pages become dirty as well, because
 * MADV_FREE may still be on its way through the folio batch of some CPU; for them
 * it means one write to swap at most.
 */
static void keep_lazyfree(struct mm_struct *mm, unsigned long start,
			  unsigned long end)
{
	walk_page_range(mm, start, end, &keep_lazyfree_ops, NULL);
}

/**
 * vma_attr_wait_add() - Settle what began before MSEAL_DISCARD
 * @wait: from vma_attr_wait_prepare()
 * @mm: the mm
 * @start: first address of what has just been sealed, page aligned
 * @end: end address, exclusive, page aligned
 *
 * Pages that were freed lazily are kept, truncations under way are waited for.
 * Holes under way are noted for vma_attr_wait_finish().
 *
 * Context: mmap write lock of @mm, held since vma_attr_wait_prepare(); all of the
 * range is mapped, with its VMAs write locked. May sleep for i_mmap_rwsem of the
 * files that the range maps.
 */
void vma_attr_wait_add(struct vma_attr_wait *wait, struct mm_struct *mm,
		       unsigned long start, unsigned long end)
{
	keep_lazyfree(mm, start, end);
	wait_for_truncations(mm, start, end);
	if (wait->nodes)
		wait_add_punches(wait, mm, start, end);
}

/**
 * vma_attr_wait_finish() - Wait for the holes that were noted
 * @wait: from vma_attr_wait_prepare()
 *
 * Waits for no hole that began after the seal, and for none in other pages. A
 * signal that kills ends the wait: nobody is left then to rely on the seal.
 *
 * Context: may sleep; the mmap lock is not held.
 */
void vma_attr_wait_finish(struct vma_attr_wait *wait)
{
	unsigned int i;

	if (likely(!wait->nodes))
		return;

	if (wait->used && wait_for_completion_killable(&wait->done)) {
		spin_lock(&punches_lock);
		for (i = 0; i < wait->used; i++)
			list_del_init(&wait->nodes[i].node);
		spin_unlock(&punches_lock);
	}
	kvfree(wait->nodes);
}

static noinline void flush_vmas(struct mm_struct *mm, unsigned long start,
				unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end) {
		const unsigned long from = max(start, vma->vm_start);
		const unsigned long to = min(end, vma->vm_end);

		if (is_vm_hugetlb_page(vma))
			flush_hugetlb_tlb_range(vma, from, to);
		else
			flush_tlb_range(vma, from, to);
	}
}

/**
 * vma_attr_flush() - Let no CPU use a page that has left a range before its seal
 * @mm: the mm
 * @start: first address of what has just been sealed, page aligned
 * @end: end address, exclusive, page aligned
 *
 * An operation may empty page tables and flush TLBs only at its end, after it has
 * dropped its lock: madvise() under the VMA lock, process_madvise() between its
 * elements, and both when a userfaultfd makes them wait. Until then a thread could
 * still read what is gone, and find it gone after mseal() has returned.
 *
 * Context: mmap write lock of @mm; the VMAs that gained a seal are write locked, so
 * that all that emptied their page tables before has counted its flush as pending.
 */
void vma_attr_flush(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	if (unlikely(mm_tlb_flush_pending(mm))) {
		flush_vmas(mm, start, end);
		vma_attr_check_flushed(mm);
	}
}
