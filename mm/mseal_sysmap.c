// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sealing of system mappings, see linux/mseal_sysmap.h: the sysctl, the
 * decision at exec, and the sealing itself.
 */

#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/init.h>
#include <linux/jump_label.h>
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
 * Are the system mappings of a program to be sealed? All rules for opting out
 * are here.
 */
VISIBLE_IF_KUNIT bool mseal_sysmap_wanted(int level, bool noseal,
					  unsigned int personality)
{
	switch (level) {
	case MSEAL_SYSMAP_OFF:
		return false;
	case MSEAL_SYSMAP_ON:
		return !noseal && !(personality & ADDR_SYSMAP_NOSEAL);
	default:
		return true;
	}
}
EXPORT_SYMBOL_IF_KUNIT(mseal_sysmap_wanted);

/**
 * mseal_sysmap_exec() - Decide whether a program's system mappings get sealed
 * @mm: its mm, which has none of them yet
 * @noseal: the executable has the flag PF_SYSMAP_NOSEAL
 *
 * The decision applies to all system mappings of the process, those that exec
 * makes and those that are made on demand, even if the sysctl changes in the
 * meantime. fork() copies it; threads and vfork() share it with the mm.
 *
 * Context: exec of current, after begin_new_exec() has cleared the personality
 * bits that an exec which gains privileges does not inherit.
 */
void mseal_sysmap_exec(struct mm_struct *mm, bool noseal)
{
	mm->seal_sysmap = mseal_sysmap_wanted(READ_ONCE(mseal_sysmap_level),
					      noseal, current->personality);
}

/* The slow path of mseal_sysmap_seal(): @mm has its system mappings sealed. */
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
 * The mutex makes reading the old value and writing the new one atomic. Without
 * it a racing write of a lower value could undo the lock.
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

	/* The value holds for all namespaces: root of one is not enough. */
	if (write && !capable(CAP_SYS_ADMIN))
		return -EPERM;

	guard(mutex)(&mseal_sysmap_mutex);

	new = *level;
	min = new == MSEAL_SYSMAP_LOCKED ? MSEAL_SYSMAP_LOCKED : MSEAL_SYSMAP_OFF;

	ret = proc_dointvec_minmax(&copy, write, buffer, lenp, ppos);
	if (!ret && write) {
		/* Refusals of system mappings are logged. */
		if (new != MSEAL_SYSMAP_OFF)
			static_branch_enable(&vma_attr_refusals_wanted);
		WRITE_ONCE(*level, new);
	}

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

/* Early enough: do_sysctl_args() runs much later. */
static int __init mseal_sysmap_sysctl_init(void)
{
	register_sysctl_init("kernel", mseal_sysmap_table);
	return 0;
}
subsys_initcall(mseal_sysmap_sysctl_init);

#endif /* CONFIG_SYSCTL */

static int __init mseal_sysmap_init(void)
{
	if (mseal_sysmap_level != MSEAL_SYSMAP_OFF)
		static_branch_enable(&vma_attr_refusals_wanted);
	return 0;
}
core_initcall(mseal_sysmap_init);
