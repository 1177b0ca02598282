/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations that began before a seal, and what mseal(2) does about them. Internal
 * to mm/, see mm/vma_attr_discard.c.
 */
#ifndef _MM_VMA_ATTR_DISCARD_H
#define _MM_VMA_ATTR_DISCARD_H

#include <linux/completion.h>
#include <linux/list.h>
#include <linux/mm_types.h>

/**
 * struct vma_attr_punch - A hole that is being punched on behalf of a mapping
 * @node: in the list of all of them
 * @mm: the mm of the mapping
 * @mapping: the file
 * @first: the first page of the file that the hole touches
 * @last: the last one
 * @waits: the mseal() calls that wait for it
 */
struct vma_attr_punch {
	struct list_head node;
	struct mm_struct *mm;
	struct address_space *mapping;
	pgoff_t first;
	pgoff_t last;
	struct list_head waits;
};

struct vma_attr_wait_node;

/**
 * struct vma_attr_wait - What one call of mseal() waits for
 * @nodes: room for one of each hole that is being punched in the mm, or NULL
 * @used: how many of them are used
 * @pending: how many of these holes are not there yet
 * @done: completed when @pending becomes 0
 */
struct vma_attr_wait {
	struct vma_attr_wait_node *nodes;
	unsigned int used;
	unsigned int pending;
	struct completion done;
};

#if defined(CONFIG_64BIT) && defined(CONFIG_MMU)

void vma_attr_punch_begin(struct vma_attr_punch *punch, struct mm_struct *mm,
			  struct file *file, loff_t start, loff_t len);
void vma_attr_punch_end(struct vma_attr_punch *punch);
int vma_attr_wait_prepare(struct vma_attr_wait *wait, struct mm_struct *mm);
void vma_attr_wait_add(struct vma_attr_wait *wait, struct mm_struct *mm,
		       unsigned long start, unsigned long end);
void vma_attr_wait_finish(struct vma_attr_wait *wait);
void vma_attr_flush(struct mm_struct *mm, unsigned long start, unsigned long end);

#else

static inline void vma_attr_punch_begin(struct vma_attr_punch *punch,
					struct mm_struct *mm, struct file *file,
					loff_t start, loff_t len)
{
}

static inline void vma_attr_punch_end(struct vma_attr_punch *punch)
{
}

#endif /* CONFIG_64BIT && CONFIG_MMU */

#endif /* _MM_VMA_ATTR_DISCARD_H */
