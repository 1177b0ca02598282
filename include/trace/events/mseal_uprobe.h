/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mseal
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE mseal_uprobe

#if !defined(_TRACE_MSEAL_UPROBE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_MSEAL_UPROBE_H

#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

/*
 * An LSM refused that the bytes from start to end are written for a uprobe: a
 * breakpoint, the instructions that replace it, or a reference counter. They are
 * left as they are, in this mapping only. See Documentation/trace/uprobetracer.rst.
 *
 * The task of the event is the one that registered the probe, mapped the file
 * or hit the breakpoint; owner is the process whose memory it is, or 0 if that
 * is not known because it is another and CONFIG_MEMCG is off.
 */
TRACE_EVENT(uprobe_left_out,

	TP_PROTO(struct vm_area_struct *vma, unsigned long start, unsigned long end),

	TP_ARGS(vma, start, end),

	TP_STRUCT__entry(
		__field(pid_t,		owner)
		__field(dev_t,		dev)
		__field(u64,		ino)
		__field(loff_t,		offset)
		__field(unsigned long,	start)
		__field(unsigned long,	end)
	),

	TP_fast_assign(
		const struct inode *inode = NULL;
		struct task_struct *owner = NULL;

		/* Another thread may have mapped something else there. */
		if (vma->vm_file)
			inode = file_inode(vma->vm_file);

		rcu_read_lock();
		if (current->mm == vma->vm_mm)
			owner = current;
#ifdef CONFIG_MEMCG
		else
			owner = rcu_dereference(vma->vm_mm->owner);
#endif
		__entry->owner = owner ? task_tgid_nr(owner) : 0;
		rcu_read_unlock();
		__entry->dev = inode ? inode->i_sb->s_dev : 0;
		__entry->ino = inode ? inode->i_ino : 0;
		__entry->offset = ((loff_t)vma_start_pgoff(vma) << PAGE_SHIFT) +
				  (start - vma->vm_start);
		__entry->start = start;
		__entry->end = end;
	),

	TP_printk("owner=%d dev=%u:%u ino=%llu offset=0x%llx start=0x%lx end=0x%lx",
		  __entry->owner, MAJOR(__entry->dev), MINOR(__entry->dev),
		  __entry->ino, __entry->offset, __entry->start, __entry->end)
);

#endif /* _TRACE_MSEAL_UPROBE_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
