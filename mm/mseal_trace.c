// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trace events of the system mseal, see include/trace/events/mseal.h. They are
 * described in Documentation/trace/events-mseal.rst.
 */

#include <linux/cleanup.h>
#include <linux/mm_types.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/vma_attr.h>

#define CREATE_TRACE_POINTS
#include <trace/events/mseal.h>

/**
 * mm_owner_pid() - Which process does an address space belong to?
 * @mm: the address space
 *
 * For logs and trace events: processes that share @mm are not told apart.
 *
 * Context: any in which rcu_read_lock() is permitted.
 * Return: the process ID in the initial namespace, 0 if the kernel does not know
 * (another process, without CONFIG_MEMCG).
 */
pid_t mm_owner_pid(const struct mm_struct *mm)
{
	struct task_struct *owner = NULL;

	guard(rcu)();
	if (mm == current->mm)
		owner = current;
#ifdef CONFIG_MEMCG
	else
		owner = rcu_dereference(mm->owner);
#endif
	return owner ? task_tgid_nr(owner) : 0;
}
