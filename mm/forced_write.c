// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forced writes, see linux/forced_write.h: the LSMs are asked here.
 */

#include <linux/array_size.h>
#include <linux/forced_write.h>
#include <linux/security.h>

/* The ways in that GUP is told fit into its two bits. */
static_assert(FOLL_VIA_OF(FOLL_VIA(FORCED_WRITE_PROCESS_VM)) == FORCED_WRITE_PROCESS_VM);
static_assert((FOLL_HONOR_NUMA_FAULT & FOLL_VIA_MASK) == 0);

static const char * const via_names[NR_FORCED_WRITE_VIAS] = {
	[FORCED_WRITE_NONE]		= "none",
	[FORCED_WRITE_PROC_MEM]		= "proc-mem",
	[FORCED_WRITE_PTRACE]		= "ptrace",
	[FORCED_WRITE_PROCESS_VM]	= "process-vm",
	[FORCED_WRITE_UPROBE]		= "uprobe",
	[FORCED_WRITE_UFFD_REGISTER]	= "uffd-register",
	[FORCED_WRITE_UFFD_COPY]	= "uffd-copy",
	[FORCED_WRITE_UFFD_ZEROPAGE]	= "uffd-zeropage",
	[FORCED_WRITE_UFFD_CONTINUE]	= "uffd-continue",
	[FORCED_WRITE_UFFD_POISON]	= "uffd-poison",
	[FORCED_WRITE_UFFD_MOVE_FROM]	= "uffd-move-from",
	[FORCED_WRITE_UFFD_MOVE_TO]	= "uffd-move-to",
};

/**
 * forced_write_via_name() - The name of a way in, for logs
 * @via: the way in
 *
 * Context: any.
 * Return: the name, as the documentation has it.
 */
const char *forced_write_via_name(enum forced_write_via via)
{
	return via < ARRAY_SIZE(via_names) ? via_names[via] : "unknown";
}

/* The slow path of vma_forced_write(): @vma is sealed or not writable. */
int __vma_forced_write(struct vm_area_struct *vma, unsigned long start,
		       unsigned long end, enum forced_write_via via)
{
	return security_vma_forced_write(vma, start, end, via) ? -EPERM : 0;
}
