// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forced writes, see linux/forced_write.h: this file calls the LSMs.
 */

#include <linux/array_size.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/forced_write.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/security.h>
#include <linux/vma_attr.h>

#include <trace/events/mseal.h>

/* The origins that GUP flags carry fit into the two bits. */
static_assert(FOLL_ORIGIN_OF(FOLL_ORIGIN(FORCED_WRITE_PROCESS_VM)) ==
	      FORCED_WRITE_PROCESS_VM);
static_assert((FOLL_HONOR_NUMA_FAULT & FOLL_ORIGIN_MASK) == 0);

static const char * const origin_names[NR_FORCED_WRITE_ORIGINS] = {
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
 * forced_write_origin_name() - The name of an access path, for logs
 * @origin: the access path
 *
 * Context: any.
 * Return: the name that the documentation uses.
 */
const char *forced_write_origin_name(enum forced_write_origin origin)
{
	return origin < ARRAY_SIZE(origin_names) ? origin_names[origin] :
						   "unknown";
}

/* Apart, so that the common case of vma_forced_write() saves no registers. */
static noinline int ask_lsms(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end, enum forced_write_origin origin,
			     const struct cred *opener)
{
	if (!security_vma_forced_write(vma, start, end, origin, opener))
		return 0;

	trace_forced_write_refused(vma, start, end, origin);
	return -EPERM;
}

/**
 * vma_forced_write() - May current write to a mapping regardless of protection?
 * @vma: the mapping
 * @start: first address that is written to, or the page it is in
 * @end: end address, exclusive; not above the end of @vma
 * @origin: the access path
 * @opener: the credentials with which the descriptor was opened that the write
 *	goes through (file->f_cred of /proc/PID/mem or of the userfaultfd), or
 *	for ptrace those of the attachment, see get_ptracer_cred(); the caller
 *	holds a reference; NULL for process_vm_writev() and uprobes
 *
 * Call this before changing anything. The LSMs are not called if @vma is
 * writable and not sealed: that is an ordinary write.
 *
 * Context: mmap lock in either mode, or VMA read lock. If the lock was dropped,
 * call this again after retaking it.
 * Return: 0, or -EPERM if an LSM refused, whatever error it returned.
 */
int vma_forced_write(struct vm_area_struct *vma, unsigned long start,
		     unsigned long end, enum forced_write_origin origin,
		     const struct cred *opener)
{
	int err = 0;

	if (unlikely(vma_write_is_forced(vma)))
		err = ask_lsms(vma, start, end, origin, opener);

	return vma_attr_check_lsms_asked(vma, start, end, err);
}

#ifdef CONFIG_BPF_LSM

__bpf_kfunc_start_defs();

/**
 * bpf_ptrace_debugs_mm() - Is current a debugger of the program in @mm?
 * @mm: the address space
 *
 * For BPF programs that are attached to vma_forced_write().
 *
 * Return: see ptrace_debugs_mm().
 */
__bpf_kfunc bool bpf_ptrace_debugs_mm(const struct mm_struct *mm)
{
	return ptrace_debugs_mm(mm);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(forced_write_kfunc_ids)
BTF_ID_FLAGS(func, bpf_ptrace_debugs_mm)
BTF_KFUNCS_END(forced_write_kfunc_ids)

BTF_ID_LIST_SINGLE(forced_write_hook_id, func, bpf_lsm_vma_forced_write)

/* Not at other hooks: ptrace_traceme is called with tasklist_lock held. */
static int forced_write_kfunc_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	if (!btf_id_set8_contains(&forced_write_kfunc_ids, kfunc_id) ||
	    prog->aux->attach_btf_id == forced_write_hook_id[0])
		return 0;
	return -EACCES;
}

static const struct btf_kfunc_id_set forced_write_kfunc_set = {
	.owner = THIS_MODULE,
	.set = &forced_write_kfunc_ids,
	.filter = forced_write_kfunc_filter,
};

static int __init forced_write_kfunc_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_LSM,
					 &forced_write_kfunc_set);
}
late_initcall(forced_write_kfunc_init);

#endif /* CONFIG_BPF_LSM */
