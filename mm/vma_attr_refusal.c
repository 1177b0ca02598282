// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call fails because of a seal: which mapping refuses it, and why? Trace events and
 * audit records say so, for the error is EPERM in each case.
 *
 * A call is reported where its error is decided, not where the attribute lock is
 * asked: an operation may ask several times, and another error may win. So there is
 * one report per call.
 */

#define pr_fmt(fmt) "mseal: " fmt

#include <linux/audit.h>
#include <linux/init.h>
#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/mseal_sysmap.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/sysctl.h>
#include <linux/vma_attr.h>

#include <trace/events/mseal.h>

/*
 * Audit or the log may want to know of refusals. Once true it stays true: a refused call
 * costs some instructions more then, and no two users have to agree when it ends.
 */
DEFINE_STATIC_KEY_FALSE(vma_attr_refusals_wanted);

#ifdef CONFIG_HAVE_ARCH_TRACEHOOK
#include <asm/syscall.h>

static int current_syscall(void)
{
	if (current->flags & (PF_KTHREAD | PF_USER_WORKER))
		return -1;
	return syscall_get_nr(current, current_pt_regs());
}
#else
static int current_syscall(void)
{
	return -1;
}
#endif

#if defined(CONFIG_AUDIT) && defined(CONFIG_SYSCTL)

static int audit_level __read_mostly;

static bool audit_wanted(void)
{
	return READ_ONCE(audit_level) && audit_enabled;
}

static void audit_refusal(const struct vma_attr_refusal *refusal)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);
	const struct vm_area_struct *vma = refusal->vma;
	struct audit_buffer *ab;

	if (!__ratelimit(&limit))
		return;
	/* The mmap lock is held: do not wait for the audit daemon. */
	ab = audit_log_start(audit_context(), GFP_NOWAIT | __GFP_NOWARN,
			     AUDIT_ANOM_MSEAL);
	if (!ab)
		return;
	audit_log_format(ab, "op=%s start=0x%lx end=0x%lx vma=0x%lx-0x%lx opid=%d",
			 vma_attr_rules[refusal->op].name, refusal->start,
			 refusal->end, vma->vm_start, vma->vm_end,
			 mm_owner_pid(vma->vm_mm));
	audit_log_seals(ab, "seals", refusal->seals);
	audit_log_seals(ab, "refused_by", refusal->refused_by);
	audit_log_vma_file(ab, vma);
	audit_log_task_info(ab);
	audit_log_format(ab, " res=0");
	audit_log_end(ab);
}

static int audit_sysctl(const struct ctl_table *table, int write, void *buffer,
			size_t *lenp, loff_t *ppos)
{
	int ret;

	/* The value holds for all namespaces: root of one is not enough. */
	if (write && !capable(CAP_AUDIT_CONTROL))
		return -EPERM;

	ret = proc_dointvec_minmax(table, write, buffer, lenp, ppos);
	if (!ret && write && READ_ONCE(audit_level))
		static_branch_enable(&vma_attr_refusals_wanted);

	return ret;
}

static const struct ctl_table audit_table[] = {
	{
		.procname	= "mseal_audit",
		.data		= &audit_level,
		.maxlen		= sizeof(audit_level),
		.mode		= 0644,
		.proc_handler	= audit_sysctl,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
};

static int __init audit_sysctl_init(void)
{
	register_sysctl_init("kernel", audit_table);
	return 0;
}
subsys_initcall(audit_sysctl_init);

#else

static bool audit_wanted(void)
{
	return false;
}

static void audit_refusal(const struct vma_attr_refusal *refusal)
{
}

#endif /* CONFIG_AUDIT && CONFIG_SYSCTL */

/*
 * Programs that move or unmap the vDSO are rare, know nothing of seals, and break in
 * strange ways. So the log says what to look at.
 */
static void log_system_mapping(struct vm_area_struct *vma, enum vma_attr_op op)
{
	const char *name = vma->vm_ops && vma->vm_ops->name ? vma->vm_ops->name(vma) : NULL;
	char comm[TASK_COMM_LEN], quoted[4 * TASK_COMM_LEN];

	/* Other mappings of the process, such as those of a driver. */
	if (!name || name[0] != '[')
		return;
	get_task_comm(comm, current);
	mseal_quote_name(quoted, sizeof(quoted), comm);
	pr_notice_ratelimited("%s of %s by \"%s\"[%d] was refused, see kernel.mseal_system_mappings\n",
			      vma_attr_rules[op].name, name, quoted, task_pid_nr(current));
}

/* The first of @vma and those behind it that refuses, or NULL. */
static struct vm_area_struct *find_refusing(struct vm_area_struct *vma,
					    unsigned long end, enum vma_attr_op op,
					    unsigned int *seals)
{
	*seals = vma_attr_refusing_seals(vma, op);
	if (*seals)
		return vma;

	/* A range of several mappings is asked about under the mmap lock only. */
	if (end > vma->vm_end) {
		VMA_ITERATOR(vmi, vma->vm_mm, vma->vm_end);

		for_each_vma_range(vmi, vma, end) {
			*seals = vma_attr_refusing_seals(vma, op);
			if (*seals)
				return vma;
		}
	}

	return NULL;
}

/* The slow path of vma_attr_refused(): something may want to know of the refusal. */
void __vma_attr_refused(struct vm_area_struct *vma, unsigned long start,
			unsigned long end, enum vma_attr_op op)
{
	struct vma_attr_refusal refusal = { .start = start, .end = end, .op = op };

	vma = find_refusing(vma, end, op, &refusal.refused_by);
	if (WARN_ON_ONCE(!vma))
		return;

	if (mseal_sysmap_sealed(vma->vm_mm))
		log_system_mapping(vma, op);
	refusal.vma = vma;
	refusal.seals = vma_attr_seals_in(vma->vm_flags);
	refusal.nr = current_syscall();
	trace_mseal_refused(&refusal);
	if (audit_wanted())
		audit_refusal(&refusal);
}
