/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mseal

#if !defined(_TRACE_MSEAL_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_MSEAL_H

#include <linux/forced_write.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/tracepoint.h>
#include <linux/vma_attr.h>

/* The names are those of vma_attr_rules[]; a test compares them. */
#define VMA_ATTR_OP_NAMES						\
	EM(VMA_ATTR_OP_UNMAP,			"unmap")		\
	EM(VMA_ATTR_OP_REMAP,			"remap")		\
	EM(VMA_ATTR_OP_REMAP_EMPTY,		"remap-empty")		\
	EM(VMA_ATTR_OP_PROTECT,			"protect")		\
	EM(VMA_ATTR_OP_DONTFORK,		"dontfork")		\
	EM(VMA_ATTR_OP_DISCARD,			"discard")		\
	EM(VMA_ATTR_OP_WIPEONFORK,		"wipeonfork")		\
	EM(VMA_ATTR_OP_KEEPONFORK,		"keeponfork")		\
	EM(VMA_ATTR_OP_GUARD_INSTALL,		"guard-install")	\
	EM(VMA_ATTR_OP_GUARD_REMOVE,		"guard-remove")		\
	EM(VMA_ATTR_OP_UFFD_REGISTER,		"uffd-register")	\
	EM(VMA_ATTR_OP_UFFD_FILL,		"uffd-fill")		\
	EM(VMA_ATTR_OP_UFFD_EMPTY,		"uffd-empty")		\
	EMe(VMA_ATTR_OP_ZEROCOPY,		"zerocopy")

/* The names are those of forced_write_origin_name(). */
#define FORCED_WRITE_NAMES						\
	EM(FORCED_WRITE_PROC_MEM,		"proc-mem")		\
	EM(FORCED_WRITE_PTRACE,			"ptrace")		\
	EM(FORCED_WRITE_PROCESS_VM,		"process-vm")		\
	EM(FORCED_WRITE_UPROBE,			"uprobe")		\
	EM(FORCED_WRITE_UFFD_REGISTER,		"uffd-register")	\
	EM(FORCED_WRITE_UFFD_COPY,		"uffd-copy")		\
	EM(FORCED_WRITE_UFFD_ZEROPAGE,		"uffd-zeropage")	\
	EM(FORCED_WRITE_UFFD_CONTINUE,		"uffd-continue")	\
	EM(FORCED_WRITE_UFFD_POISON,		"uffd-poison")		\
	EM(FORCED_WRITE_UFFD_MOVE_FROM,		"uffd-move-from")	\
	EMe(FORCED_WRITE_UFFD_MOVE_TO,		"uffd-move-to")

#undef EM
#undef EMe
#define EM(value, name)		TRACE_DEFINE_ENUM(value);
#define EMe(value, name)	TRACE_DEFINE_ENUM(value);

VMA_ATTR_OP_NAMES
FORCED_WRITE_NAMES

#undef EM
#undef EMe
#define EM(value, name)		{ value, name },
#define EMe(value, name)	{ value, name }

#define show_vma_attr_op(op)	__print_symbolic(op, VMA_ATTR_OP_NAMES)
#define show_forced_write(origin) __print_symbolic(origin, FORCED_WRITE_NAMES)

/*
 * SEAL_*, or the flags of mseal(2), which have the same values. DISCARD implies
 * DISCARD_WEAK, the weak discard rule of no flags. Not by __print_flags(), which prints
 * nothing for 0.
 */
#define show_vma_seals(seals)						\
	__print_symbolic(seals,						\
		{ 0,			"none" },			\
		{ 1,			"MAP" },			\
		{ 2,			"PROT" },			\
		{ 1 | 2,		"MAP|PROT" },			\
		{ 4,			"DISCARD" },			\
		{ 1 | 4,		"MAP|DISCARD" },		\
		{ 2 | 4,		"PROT|DISCARD" },		\
		{ 1 | 2 | 4,		"MAP|PROT|DISCARD" },		\
		{ 8,			"DISCARD_WEAK" },		\
		{ 1 | 2 | 8,		"MAP|PROT|DISCARD_WEAK" },	\
		{ 4 | 8,		"DISCARD" },			\
		{ 1 | 4 | 8,		"MAP|DISCARD" },		\
		{ 2 | 4 | 8,		"PROT|DISCARD" },		\
		{ 1 | 2 | 4 | 8,	"MAP|PROT|DISCARD" })

/* VM_READ and so on, which have the values of PROCMAP_QUERY_VMA_*; as in maps. */
#define PROT_SEALS_FORMAT	"prot=%c%c%c%c seals=%s"
#define show_vma_prot(prot)						\
	(prot) & 1 ? 'r' : '-', (prot) & 2 ? 'w' : '-',			\
	(prot) & 4 ? 'x' : '-', (prot) & 8 ? 's' : 'p'

#define MSEAL_TRACE_PROT	(VM_READ | VM_WRITE | VM_EXEC | VM_SHARED)

/*
 * mseal(2) has sealed a range. The flags are those of the call. Mappings that the
 * kernel seals itself (kernel.mseal_system_mappings) have no event.
 */
TRACE_EVENT(mseal_sealed,

	TP_PROTO(unsigned long start, unsigned long end, unsigned long flags),

	TP_ARGS(start, end, flags),

	TP_STRUCT__entry(
		__field(unsigned long,	start)
		__field(unsigned long,	end)
		__field(unsigned long,	flags)
	),

	TP_fast_assign(
		__entry->start = start;
		__entry->end = end;
		__entry->flags = flags;
	),

	TP_printk("start=0x%lx end=0x%lx flags=%s",
		  __entry->start, __entry->end, show_vma_seals(__entry->flags))
);

/*
 * A call fails with EPERM because of a seal: one event per call, or per element of
 * process_madvise(2).
 *
 * start and end are the range that the call is about, nr is the number of the system
 * call, or -1 in a kernel thread. The mapping is the first one in the range that
 * refuses; seals are all that it has, refused_by are those that refuse this operation.
 */
TRACE_EVENT(mseal_refused,

	TP_PROTO(const struct vma_attr_refusal *refusal),

	TP_ARGS(refusal),

	TP_STRUCT__entry(
		__field(int,		nr)
		__field(unsigned int,	op)
		__field(unsigned long,	start)
		__field(unsigned long,	end)
		__field(unsigned long,	vma_start)
		__field(unsigned long,	vma_end)
		__field(unsigned int,	prot)
		__field(unsigned int,	seals)
		__field(unsigned int,	refused_by)
		__field(pid_t,		owner)
	),

	TP_fast_assign(
		__entry->nr = refusal->nr;
		__entry->op = refusal->op;
		__entry->start = refusal->start;
		__entry->end = refusal->end;
		__entry->vma_start = refusal->vma->vm_start;
		__entry->vma_end = refusal->vma->vm_end;
		__entry->prot = refusal->vma->vm_flags & MSEAL_TRACE_PROT;
		__entry->seals = refusal->seals;
		__entry->refused_by = refusal->refused_by;
		__entry->owner = mm_owner_pid(refusal->vma->vm_mm);
	),

	TP_printk("op=%s nr=%d start=0x%lx end=0x%lx vma=0x%lx-0x%lx "
		  PROT_SEALS_FORMAT " refused_by=%s owner=%d",
		  show_vma_attr_op(__entry->op), __entry->nr,
		  __entry->start, __entry->end,
		  __entry->vma_start, __entry->vma_end,
		  show_vma_prot(__entry->prot), show_vma_seals(__entry->seals),
		  show_vma_seals(__entry->refused_by), __entry->owner)
);

/*
 * An LSM refused that the bytes from start to end are written regardless of the
 * protection or the seals of their mapping. owner is the process whose memory it is,
 * or 0 if that is not known because it is another and CONFIG_MEMCG is off.
 */
TRACE_EVENT(forced_write_refused,

	TP_PROTO(const struct vm_area_struct *vma, unsigned long start,
		 unsigned long end, enum forced_write_origin origin),

	TP_ARGS(vma, start, end, origin),

	TP_STRUCT__entry(
		__field(unsigned int,	origin)
		__field(pid_t,		owner)
		__field(unsigned long,	start)
		__field(unsigned long,	end)
		__field(unsigned int,	prot)
		__field(unsigned int,	seals)
	),

	TP_fast_assign(
		__entry->origin = origin;
		__entry->owner = mm_owner_pid(vma->vm_mm);
		__entry->start = start;
		__entry->end = end;
		__entry->prot = vma->vm_flags & MSEAL_TRACE_PROT;
		__entry->seals = vma_attr_seals_in(vma->vm_flags);
	),

	TP_printk("origin=%s owner=%d start=0x%lx end=0x%lx " PROT_SEALS_FORMAT,
		  show_forced_write(__entry->origin), __entry->owner,
		  __entry->start, __entry->end,
		  show_vma_prot(__entry->prot), show_vma_seals(__entry->seals))
);

/*
 * An LSM refused that the bytes from start to end are written for a uprobe: a
 * breakpoint, the instructions that replace it, or a reference counter. They are
 * left as they are, in this mapping only. See Documentation/trace/uprobetracer.rst.
 *
 * The task of the event is the one that registered the probe, mapped the file
 * or hit the breakpoint; owner is as above.
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

		/* Another thread may have mapped something else there. */
		if (vma->vm_file)
			inode = file_inode(vma->vm_file);

		__entry->owner = mm_owner_pid(vma->vm_mm);
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

#endif /* _TRACE_MSEAL_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
