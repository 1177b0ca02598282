/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sealing of system mappings. These are the mappings that the kernel makes in
 * each process: the vDSO, its data, the vectors, the pages for uprobes. Exec
 * decides once for each process whether they are sealed, and the mm keeps the
 * decision. The code that makes such mappings calls mseal_sysmap_seal(), or
 * mseal_sysmap_seal_vma() for each, when they are finished.
 *
 * See Documentation/userspace-api/mseal.rst for what user space is promised.
 */
#ifndef _LINUX_MSEAL_SYSMAP_H
#define _LINUX_MSEAL_SYSMAP_H

#include <linux/mm_types.h>
#include <linux/vma_attr.h>

struct ctl_table;
struct mutex;

/**
 * enum mseal_sysmap_level - The values of sysctl kernel.mseal_system_mappings
 * @MSEAL_SYSMAP_OFF: seal no system mappings
 * @MSEAL_SYSMAP_ON: seal them, except in programs that opt out
 * @MSEAL_SYSMAP_LOCKED: seal them in all programs; the value can no longer be
 *	changed
 */
enum mseal_sysmap_level {
	MSEAL_SYSMAP_OFF,
	MSEAL_SYSMAP_ON,
	MSEAL_SYSMAP_LOCKED,
};

#ifdef CONFIG_MSEAL_SYSTEM_MAPPINGS

void mseal_sysmap_exec(struct mm_struct *mm, bool noseal);
void __mseal_sysmap_seal(struct mm_struct *mm, unsigned long start,
			 unsigned long end);

/**
 * mseal_sysmap_seal() - Seal system mappings that are finished
 * @mm: the mm
 * @start: start of the first of them
 * @end: end of the last of them; only system mappings are in the range
 *
 * Call this as the last step before the code that made the mappings drops the
 * mmap lock. Then no other process can write to them and no other thread can
 * replace them before they are sealed, and code that fails halfway can unmap
 * what it made. Does nothing in a process whose system mappings are not to be
 * sealed.
 *
 * Context: mmap write lock of @mm, held since the mappings were made.
 */
static inline void mseal_sysmap_seal(struct mm_struct *mm, unsigned long start,
				     unsigned long end)
{
	if (mm->seal_sysmap)
		__mseal_sysmap_seal(mm, start, end);
}

/**
 * mseal_sysmap_seal_vma() - Seal one system mapping that is finished
 * @vma: the mapping
 *
 * As mseal_sysmap_seal(), for a caller that has the mapping at hand: exec saves
 * the look-up.
 *
 * Context: mmap write lock of the mm of @vma, held since @vma was made.
 */
static inline void mseal_sysmap_seal_vma(struct vm_area_struct *vma)
{
	if (vma->vm_mm->seal_sysmap)
		vma_attr_seal_made(vma);
}

/**
 * mseal_sysmap_sealed() - Are the system mappings of a process sealed?
 * @mm: its mm
 *
 * Return: true if exec decided so.
 */
static inline bool mseal_sysmap_sealed(const struct mm_struct *mm)
{
	return mm->seal_sysmap;
}

#if IS_ENABLED(CONFIG_KUNIT)
extern int mseal_sysmap_level;
extern struct mutex mseal_sysmap_mutex;
bool mseal_sysmap_wanted(int level, bool noseal, unsigned int personality);
int mseal_sysmap_dointvec(const struct ctl_table *table, int write,
			  void *buffer, size_t *lenp, loff_t *ppos);
#endif

#else

static inline bool mseal_sysmap_sealed(const struct mm_struct *mm)
{
	return false;
}

static inline void mseal_sysmap_exec(struct mm_struct *mm, bool noseal)
{
}

static inline void mseal_sysmap_seal(struct mm_struct *mm, unsigned long start,
				     unsigned long end)
{
}

static inline void mseal_sysmap_seal_vma(struct vm_area_struct *vma)
{
}

#endif /* CONFIG_MSEAL_SYSTEM_MAPPINGS */

#endif /* _LINUX_MSEAL_SYSMAP_H */
