// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sealing of system mappings, see linux/mseal_sysmap.h: the sysctl, what exec
 * makes of it, and the seal itself.
 */

#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mseal_sysmap.h>
#include <linux/mutex.h>
#include <linux/personality.h>
#include <linux/sched.h>
#include <linux/sysctl.h>
#include <linux/vma_attr.h>

#include <kunit/visibility.h>

VISIBLE_IF_KUNIT int mseal_sysmap_level __read_mostly =
	CONFIG_MSEAL_SYSTEM_MAPPINGS_DEFAULT;

/*
 * Is a program to have its system mappings sealed? The rules for the ways out
 * are here and nowhere else.
 */
VISIBLE_IF_KUNIT bool mseal_sysmap_wanted(int level, bool movable,
					  unsigned int personality)
{
	switch (level) {
	case MSEAL_SYSMAP_OFF:
		return false;
	case MSEAL_SYSMAP_ON:
		return !movable && !(personality & ADDR_SYSMAP_MOVABLE);
	default:
		return true;
	}
}
EXPORT_SYMBOL_IF_KUNIT(mseal_sysmap_wanted);

/**
 * mseal_sysmap_exec() - Decide for a program if its system mappings get sealed
 * @mm: its mm, which has none of them yet
 * @movable: the executable bears the mark PF_SYSMAP_MOVABLE
 *
 * All system mappings of the process go by this, even if the sysctl changes in the
 * meantime: those that exec makes as well as those that are made on demand. fork
 * passes it on, threads and vfork share it with the mm.
 *
 * Context: exec of current, once the personality has lost what an exec that gains
 * privileges takes from it (begin_new_exec()).
 */
void mseal_sysmap_exec(struct mm_struct *mm, bool movable)
{
	mm->seal_sysmap = mseal_sysmap_wanted(READ_ONCE(mseal_sysmap_level),
					      movable, current->personality);
}

/* The slow path of mseal_sysmap_seal(): the process has its system mappings sealed. */
void __mseal_sysmap_seal(struct mm_struct *mm, unsigned long start,
			 unsigned long end)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	mmap_assert_write_locked(mm);

	for_each_vma_range(vmi, vma, end)
		vma_attr_seal_made(vma);
}

#ifdef CONFIG_SYSCTL

/*
 * The mutex makes the look at the old value and the write of the new one a
 * single step: without it one who lowers it could get in behind one who locks it.
 */
VISIBLE_IF_KUNIT DEFINE_MUTEX(mseal_sysmap_mutex);

VISIBLE_IF_KUNIT int mseal_sysmap_dointvec(const struct ctl_table *table,
					   int write, void *buffer,
					   size_t *lenp, loff_t *ppos)
{
	int *level = table->data, new, min, ret;
	const struct ctl_table copy = {
		.procname	= table->procname,
		.data		= &new,
		.maxlen		= sizeof(new),
		.extra1		= &min,
		.extra2		= SYSCTL_TWO,
	};

	/* What holds for all namespaces is not for the root of one of them. */
	if (write && !capable(CAP_SYS_ADMIN))
		return -EPERM;

	guard(mutex)(&mseal_sysmap_mutex);

	new = *level;
	min = new == MSEAL_SYSMAP_LOCKED ? MSEAL_SYSMAP_LOCKED : MSEAL_SYSMAP_OFF;

	ret = proc_dointvec_minmax(&copy, write, buffer, lenp, ppos);
	if (!ret && write)
		WRITE_ONCE(*level, new);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(mseal_sysmap_dointvec);

static const struct ctl_table mseal_sysmap_table[] = {
	{
		.procname	= "mseal_system_mappings",
		.data		= &mseal_sysmap_level,
		.maxlen		= sizeof(mseal_sysmap_level),
		.mode		= 0644,
		.proc_handler	= mseal_sysmap_dointvec,
	},
};

/* do_sysctl_args() looks for it much later. */
static int __init mseal_sysmap_init(void)
{
	register_sysctl_init("kernel", mseal_sysmap_table);
	return 0;
}
subsys_initcall(mseal_sysmap_init);

#endif /* CONFIG_SYSCTL */
