// SPDX-License-Identifier: GPL-2.0
/*
 * Refuse forced writes by BPF LSM. See forced_write.c for what the options mean.
 *
 * Kernel structures are declared with the members that are used. libbpf adapts
 * their offsets to the kernel that loads the program, so neither building nor
 * running it depends on the vmlinux.h of one kernel.
 *
 * The hooks are called under the mmap lock or a VMA lock: the programs do not
 * sleep, touch no user memory, and need no vmlinux beyond the two hooks.
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "forced_write.h"

#define __relocated __attribute__((preserve_access_index))

struct qstr {
	const unsigned char *name;
} __relocated;

struct dentry {
	struct qstr d_name;
} __relocated;

struct path {
	struct dentry *dentry;
} __relocated;

struct super_block {
	unsigned int s_dev;
} __relocated;

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
} __relocated;

struct file {
	struct inode *f_inode;
	struct path f_path;
} __relocated;

struct mm_struct {
	struct file *exe_file;
} __relocated;

struct cred {
	struct {
		unsigned int val;
	} __relocated euid;
} __relocated;

struct task_struct {
	struct mm_struct *mm;
	const struct cred *cred;
} __relocated;

struct vm_area_struct {
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	struct file *vm_file;
} __relocated;

extern bool bpf_ptrace_debugs_mm(const struct mm_struct *mm) __ksym;

const volatile struct fw_policy policy;

/* Events that found the ring full. */
unsigned long long lost;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, FW_MAX_CGROUPS);
	__type(key, __u32);
	__type(value, __u32);
} cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FW_MAX_BINARIES);
	__type(key, struct fw_binary);
	__type(value, __u32);
} binaries SEC(".maps");

/*
 * Does @mm run an executable that the policy names for @role? The process itself
 * can replace exe_file while none of its mappings is left (PR_SET_MM_MAP).
 */
static __always_inline bool runs(struct mm_struct *mm, __u32 role)
{
	struct fw_binary key = {};
	struct inode *inode;
	struct file *exe;
	__u32 *roles;

	/* A kernel thread has none. */
	if (!mm)
		return false;
	exe = BPF_CORE_READ(mm, exe_file);
	if (!exe)
		return false;
	inode = BPF_CORE_READ(exe, f_inode);
	key.ino = BPF_CORE_READ(inode, i_ino);
	key.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	roles = bpf_map_lookup_elem(&binaries, &key);
	return roles && (*roles & role);
}

/* Was the descriptor opened, or the tracer attached, by a user that the policy names? */
static __always_inline bool opened_by(const struct cred *opener)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (!opener)
		return false;
	if (policy.opener == FW_OPENER_USER)
		return opener->euid.val == policy.opener_user;
	return opener->euid.val != BPF_CORE_READ(task, cred, euid.val);
}

/* Does the policy apply to this writer and this memory? */
static __always_inline bool in_scope(struct vm_area_struct *vma, const struct cred *opener)
{
	__u32 i;

	if (!policy.nr_cgroups && !policy.nr_targets && !policy.nr_writers && !policy.opener)
		return true;
	if (policy.opener && opened_by(opener))
		return true;
	for (i = 0; i < FW_MAX_CGROUPS && i < policy.nr_cgroups; i++)
		if (bpf_current_task_under_cgroup(&cgroups, i) == 1)
			return true;
	if (policy.nr_targets && runs(vma->vm_mm, FW_BINARY_TARGET))
		return true;
	if (policy.nr_writers) {
		struct task_struct *task = bpf_get_current_task_btf();

		return runs(task->mm, FW_BINARY_WRITER);
	}
	return false;
}

static __always_inline void file_name(char *name, struct file *file)
{
	if (file)
		bpf_probe_read_kernel_str(name, FW_NAME_LEN,
					  BPF_CORE_READ(file, f_path.dentry, d_name.name));
}

static __always_inline void report(struct vm_area_struct *vma, unsigned long start,
				   unsigned long end, int origin, bool tracer,
				   const struct cred *opener, unsigned long flags,
				   enum fw_verdict verdict)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct mm_struct *mm = vma->vm_mm;
	struct fw_event *event;

	if (!policy.log)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	/* The loader compares whole events, and the ring has old contents. */
	__builtin_memset(event, 0, sizeof(*event));
	event->start = start;
	event->end = end;
	event->vm_flags = vma->vm_flags;
	event->cgroup = bpf_get_current_cgroup_id();
	event->flags = flags;
	event->tgid = id >> 32;
	event->pid = id;
	event->origin = origin;
	event->verdict = verdict;
	event->tracer = tracer;
	event->opener = opener ? opener->euid.val : -1;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	file_name(event->exe, mm ? BPF_CORE_READ(mm, exe_file) : NULL);
	file_name(event->file, vma->vm_file);
	bpf_ringbuf_submit(event, 0);
}

SEC("lsm/vma_forced_write")
int BPF_PROG(forced_write, struct vm_area_struct *vma, unsigned long start,
	     unsigned long end, unsigned int origin, const struct cred *opener)
{
	enum fw_verdict verdict = policy.dry_run ? FW_DRY_RUN : FW_REFUSED;
	struct mm_struct *mm = vma->vm_mm;
	bool traced = false;

	/* An access path that is newer than this program is refused like the others. */
	if (origin < 64 && !(policy.origins & (1ULL << origin)))
		return 0;
	if (!policy.all && !(vma->vm_flags & policy.covered))
		return 0;
	if (!in_scope(vma, opener))
		return 0;
	/* Asked only if it matters: it looks at all that the writer traces. */
	if (mm && (policy.allow_tracer || policy.log))
		traced = bpf_ptrace_debugs_mm(mm);
	if (policy.allow_tracer && traced)
		verdict = FW_TRACER;
	report(vma, start, end, origin, traced, opener, 0, verdict);
	return verdict == FW_REFUSED ? -EPERM : 0;
}

SEC("lsm/mseal")
int BPF_PROG(seal, struct vm_area_struct *vma, unsigned long start,
	     unsigned long end, unsigned long flags)
{
	enum fw_verdict verdict = policy.dry_run ? FW_DRY_RUN : FW_REFUSED;

	if (!in_scope(vma, NULL))
		return 0;
	report(vma, start, end, -1, false, NULL, flags, verdict);
	return verdict == FW_REFUSED ? -EPERM : 0;
}

char LICENSE[] SEC("license") = "GPL";
