/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sealing of system mappings, those that the kernel makes in each process: the
 * vDSO, its data, the vectors, the pages for uprobes. Whether they are sealed is
 * decided once for each process, when it is executed, and then kept in its mm:
 * VM_SEALED_SYSMAP of linux/mm.h looks there.
 *
 * See Documentation/userspace-api/mseal.rst for what user space is promised.
 */
#ifndef _LINUX_MSEAL_SYSMAP_H
#define _LINUX_MSEAL_SYSMAP_H

#include <linux/types.h>

struct ctl_table;
struct mm_struct;
struct mutex;

/**
 * enum mseal_sysmap_level - The values of sysctl kernel.mseal_system_mappings
 * @MSEAL_SYSMAP_OFF: seal no system mappings
 * @MSEAL_SYSMAP_ON: seal them, but for programs that ask to be left out
 * @MSEAL_SYSMAP_LOCKED: seal them for all, and this is the last word
 */
enum mseal_sysmap_level {
	MSEAL_SYSMAP_OFF,
	MSEAL_SYSMAP_ON,
	MSEAL_SYSMAP_LOCKED,
};

#ifdef CONFIG_MSEAL_SYSTEM_MAPPINGS

void mseal_sysmap_exec(struct mm_struct *mm, bool movable);
void mseal_sysmap_undo(struct mm_struct *mm, unsigned long start, size_t len);

#if IS_ENABLED(CONFIG_KUNIT)
extern int mseal_sysmap_level;
extern struct mutex mseal_sysmap_mutex;
bool mseal_sysmap_wanted(int level, bool movable, unsigned int personality);
int mseal_sysmap_dointvec(const struct ctl_table *table, int write,
			  void *buffer, size_t *lenp, loff_t *ppos);
#endif

#else

static inline void mseal_sysmap_exec(struct mm_struct *mm, bool movable)
{
}

static inline void mseal_sysmap_undo(struct mm_struct *mm, unsigned long start,
				     size_t len)
{
}

#endif /* CONFIG_MSEAL_SYSTEM_MAPPINGS */

#endif /* _LINUX_MSEAL_SYSMAP_H */
