// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the VMA attribute lock asked wherever a mapping changes? This checks it, in
 * kernels made for it (CONFIG_DEBUG_VMA_ATTR).
 *
 * There are two kinds of rules:
 *
 * - Discipline: a primitive that changes a mapping must be preceded by the question
 *   whether its seals permit that, about the same range, under the same hold of the
 *   lock. The task remembers what it asked until it releases the lock. So a path that
 *   forgets to ask is found by any workload, whether or not something is sealed.
 *
 * - State: what a seal promises is compared with what is there, each time that the
 *   mmap lock was held for writing, in fork() and at the end of mseal(). This does
 *   not depend on the code that made the change.
 *
 * Locking: what a task remembers is its own. &mm_struct.attr_check is written under the
 * mmap write lock. gathers_lock protects the list of gathers; it is the innermost.
 */

#define pr_fmt(fmt) "vma_attr_check: " fmt

#include <linux/bitops.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/jump_label.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pkeys.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vma_attr.h>
#include <linux/vma_attr_check.h>

#include <asm/tlb.h>

#include "internal.h"
#include "vma_attr_check_test.h"

/**
 * struct change_rule - What has to be asked before a change
 * @name: for the warning
 * @ops: a bit per &enum vma_attr_op; one of these was asked, unless there is none
 * @lsms: were the LSMs asked about a forced write as well?
 */
struct change_rule {
	const char *name;
	u32 ops;
	bool lsms;
};

#define LSMS	IS_ENABLED(CONFIG_SECURITY)

static const struct change_rule change_rules[NR_VMA_ATTR_CHANGES] = {
	[VMA_ATTR_CHANGE_UNMAP]		= { "unmap", BIT(VMA_ATTR_OP_UNMAP) },
	[VMA_ATTR_CHANGE_MOVE]		= { "move", BIT(VMA_ATTR_OP_REMAP) |
						    BIT(VMA_ATTR_OP_REMAP_EMPTY) },
	[VMA_ATTR_CHANGE_PROTECT]	= { "protect", BIT(VMA_ATTR_OP_PROTECT) },
	[VMA_ATTR_CHANGE_ZAP]		= { "zap", BIT(VMA_ATTR_OP_DISCARD) |
						   BIT(VMA_ATTR_OP_GUARD_INSTALL) |
						   BIT(VMA_ATTR_OP_ZEROCOPY) },
	[VMA_ATTR_CHANGE_LAZYFREE]	= { "lazyfree", BIT(VMA_ATTR_OP_DISCARD) },
	[VMA_ATTR_CHANGE_GUARD]		= { "guard", BIT(VMA_ATTR_OP_GUARD_INSTALL) },
	[VMA_ATTR_CHANGE_UNGUARD]	= { "unguard", BIT(VMA_ATTR_OP_GUARD_REMOVE) },
	[VMA_ATTR_CHANGE_FILL]		= { "fill", BIT(VMA_ATTR_OP_UFFD_FILL), LSMS },
	[VMA_ATTR_CHANGE_EMPTY]		= { "empty", BIT(VMA_ATTR_OP_UFFD_EMPTY), LSMS },
	[VMA_ATTR_CHANGE_INSERT]	= { "insert", BIT(VMA_ATTR_OP_ZEROCOPY) },
	[VMA_ATTR_CHANGE_WRITE]		= { "write", 0, LSMS },
	[VMA_ATTR_CHANGE_DROP_COW]	= { "drop-cow" },
	[VMA_ATTR_CHANGE_SEALED]	= { "sealed" },
	[VMA_ATTR_CHANGE_REFUSED]	= { "refused" },
	[VMA_ATTR_CHANGE_UNFLUSHED]	= { "unflushed" },
};

/**
 * struct vma_attr_promise - What a mapping with SEAL_MAP was like
 * @start: its first address
 * @end: its end address, exclusive
 * @flags: its VM_* flags, with its seals
 * @file: its file; not followed, only compared
 * @ops: its operations
 * @offset: what it maps at address 0, in pages
 * @pkey: its protection key
 */
struct vma_attr_promise {
	unsigned long start;
	unsigned long end;
	vm_flags_t flags;
	const struct file *file;
	const struct vm_operations_struct *ops;
	unsigned long offset;
	int pkey;
};

/* What SEAL_PROT promises. */
#define PROT_FLAGS	(VM_ACCESS_FLAGS | VM_SHARED | VM_SHADOW_STACK | \
			 VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_MAYSHARE)

DEFINE_STATIC_KEY_FALSE(vma_attr_check_key);

/* Level 1 warns about sealed mappings only, level 2 about all. */
static unsigned int check_level __ro_after_init = CONFIG_DEBUG_VMA_ATTR_LEVEL;

/* A kind of change is reported once. */
static unsigned long reported;

#if IS_ENABLED(CONFIG_KUNIT)
struct vma_attr_check_test *vma_attr_check_test;
#endif

static LIST_HEAD(gathers);
static DEFINE_SPINLOCK(gathers_lock);
static u64 gather_seq;

/* The test that runs in current, or NULL. */
static struct vma_attr_check_test *this_test(void)
{
#if IS_ENABLED(CONFIG_KUNIT)
	struct vma_attr_check_test *test = READ_ONCE(vma_attr_check_test);

	if (unlikely(test) && test->task == current)
		return test;
#endif
	return NULL;
}

static void report(enum vma_attr_change change, unsigned long start,
		   unsigned long end, unsigned int seals, const char *what)
{
	struct vma_attr_check_test *test = this_test();

	if (test) {
		test->reports[change]++;
		return;
	}
	if (test_and_set_bit(change, &reported))
		return;

	WARN(1, "vma_attr: %s: %s: %s[%d], %lx-%lx, seals %x\n",
	     change_rules[change].name, what, current->comm, current->pid, start, end,
	     seals);
}

static struct vma_attr_check_task *this_task(void)
{
	return &current->attr_check;
}

static void remember(const struct mm_struct *mm, unsigned long start,
		     unsigned long end, u32 ops)
{
	struct vma_attr_check_task *task = this_task();
	struct vma_attr_asked *asked;
	unsigned int i;

	/* A few bytes that are written: pages are looked up for them. */
	start = PAGE_ALIGN_DOWN(start);
	end = PAGE_ALIGN(end);
	for (i = 0; i < VMA_ATTR_CHECK_NR_ASKED; i++) {
		asked = &task->asked[i];
		if (asked->mm != mm)
			continue;
		if (asked->start == start && asked->end == end) {
			asked->ops |= ops;
			return;
		}
		/* Neighbours are asked about one by one. */
		if (asked->ops == ops && asked->start <= start && asked->end >= start) {
			asked->end = max(asked->end, end);
			return;
		}
	}

	asked = &task->asked[task->next++ % VMA_ATTR_CHECK_NR_ASKED];
	*asked = (struct vma_attr_asked){ mm, start, end, ops };
}

/* Which of these operations did current ask about, for all of the range? */
static u32 asked_about(const struct mm_struct *mm, unsigned long start,
		       unsigned long end, u32 ops)
{
	const struct vma_attr_check_task *task = this_task();
	u32 found = 0;
	unsigned int i;

	for (i = 0; i < VMA_ATTR_CHECK_NR_ASKED; i++) {
		const struct vma_attr_asked *asked = &task->asked[i];

		if (asked->mm == mm && asked->start <= start && asked->end >= end)
			found |= asked->ops & ops;
	}

	return found;
}

/*
 * A question was answered. Return: the answer to give, which is yes if a test wants the
 * question not to be there.
 */
static bool answered(const struct mm_struct *mm, unsigned long start, unsigned long end,
		     u32 question, bool permitted, const char *refused)
{
	struct vma_attr_check_test *test = this_test();

	if (test && (test->blind & question))
		return true;

	if (permitted)
		remember(mm, start, end, question);
	else if (this_task()->changed == mm)
		report(VMA_ATTR_CHANGE_REFUSED, start, end, 0, refused);

	return permitted;
}

bool __vma_attr_check_asked(const struct mm_struct *mm, unsigned long start,
			    unsigned long end, unsigned int op, bool permitted)
{
	return answered(mm, start, end, BIT(op), permitted, "after a change");
}

int __vma_attr_check_lsms_asked(const struct vm_area_struct *vma, unsigned long start,
				unsigned long end, int err)
{
	return answered(vma->vm_mm, start, end, VMA_ATTR_ASKED_LSMS, !err,
			"by an LSM, after a change") ? 0 : err;
}

void __vma_attr_check_exempt(const struct mm_struct *mm, unsigned long start,
			     unsigned long end, enum vma_attr_change change)
{
	const struct change_rule *rule = &change_rules[change];

	remember(mm, start, end, rule->ops | (rule->lsms ? VMA_ATTR_ASKED_LSMS : 0));
}

/* Does one of the operations that were asked about permit the change? */
static bool permitted_now(struct vm_area_struct *vma, u32 asked)
{
	unsigned long ops = asked;
	unsigned int op;

	for_each_set_bit(op, &ops, NR_VMA_ATTR_OPS) {
		if (__vma_attr_permits(vma, op))
			return true;
	}

	return false;
}

/* Has current asked about the change, and is the answer still yes? */
static void must_be_asked(struct vm_area_struct *vma, unsigned long start,
			  unsigned long end, enum vma_attr_change change)
{
	const struct change_rule *rule = &change_rules[change];
	const unsigned int seals = vma_attr_seals_in(vma->vm_flags);
	u32 asked;

	if (!seals && check_level < 2)
		return;

	asked = asked_about(vma->vm_mm, start, end, rule->ops | VMA_ATTR_ASKED_LSMS);
	if (rule->ops && !(asked & rule->ops))
		report(change, start, end, seals, "not asked about");
	else if (rule->lsms && !(asked & VMA_ATTR_ASKED_LSMS))
		report(change, start, end, seals, "the LSMs were not asked");
	else if (rule->ops && seals && !permitted_now(vma, asked & rule->ops))
		report(change, start, end, seals, "not permitted");
}

void __vma_attr_check_change(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end, enum vma_attr_change change)
{
	this_task()->changed = vma->vm_mm;
	must_be_asked(vma, start, end, change);
}

void __vma_attr_check_range(struct mm_struct *mm, unsigned long start,
			    unsigned long end, enum vma_attr_change change)
{
	this_task()->changed = mm;
	if (check_level < 2 && !vma_attr_may_be_sealed(mm, start, end))
		return;
	if (!asked_about(mm, start, end, change_rules[change].ops))
		report(change, start, end, 0, "not asked about");
}

void __vma_attr_check_zap(struct vm_area_struct *vma, unsigned long start,
			  unsigned long end, const struct zap_details *details)
{
	/* The file changes, not the mapping: see __vma_attr_check_drop(). */
	if (details && details->truncating)
		return;
	/* A driver revokes its own pages; they are there again at the next fault. */
	if (vma->vm_flags & VM_PFNMAP)
		return;
	/* A driver serves another process (binder), or reclaim. */
	if ((vma->vm_flags & VM_MIXEDMAP) &&
	    (vma->vm_mm != current->mm || (current->flags & PF_MEMALLOC)))
		return;

	__vma_attr_check_change(vma, start, end, VMA_ATTR_CHANGE_ZAP);
}

bool __vma_attr_check_keeps_cows(struct vm_area_struct *vma)
{
	return vma_attr_keeps_cows(vma);
}

void __vma_attr_check_truncate(struct vm_area_struct *vma, struct zap_details *details)
{
	details->truncating = true;
	details->keeps_cows = vma_attr_keeps_cows(vma);
}

void __vma_attr_check_drop_cow(struct vm_area_struct *vma, unsigned long start,
			       unsigned long end)
{
	/* It may have become writable since. */
	if (vma_attr_keeps_cows(vma))
		report(VMA_ATTR_CHANGE_DROP_COW, start, end,
		       vma_attr_seals_in(vma->vm_flags), "by truncation");
}

void __vma_attr_check_drop(struct vm_area_struct *vma, unsigned long addr,
			   const struct zap_details *details, const struct folio *folio)
{
	if (!details || !details->truncating || !details->keeps_cows)
		return;
	if (folio && !folio_test_anon(folio))
		return;
	__vma_attr_check_drop_cow(vma, addr, addr + PAGE_SIZE);
}

/* Is the mmap lock held for writing? Somebody holds it in one mode or the other. */
static bool write_locked(struct mm_struct *mm)
{
	if (!down_read_trylock(&mm->mmap_lock))
		return true;
	up_read(&mm->mmap_lock);
	return false;
}

void __vma_attr_check_insert(struct vm_area_struct *vma, unsigned long start,
			     unsigned long end)
{
	/* That is how a mapping is made, or how a driver resolves a fault. */
	if (this_task()->faults || write_locked(vma->vm_mm))
		return;
	/* As in __vma_attr_check_zap(). */
	if (vma->vm_mm != current->mm)
		return;

	__vma_attr_check_change(vma, start, end, VMA_ATTR_CHANGE_INSERT);
}

void __vma_attr_check_gup(struct vm_area_struct *vma, unsigned long addr,
			  unsigned int gup_flags, bool pages)
{
	if (!(gup_flags & FOLL_WRITE) || !(gup_flags & (FOLL_REMOTE | FOLL_FORCE)))
		return;
	/* The caller only faults them in (KVM), or it registers memory for a device. */
	if (!(gup_flags & FOLL_FORCE) && (!pages || (gup_flags & FOLL_LONGTERM)))
		return;
	/* Nothing to ask about, as long as the path would. */
	if ((gup_flags & FOLL_ORIGIN_MASK) && !vma_write_is_forced(vma))
		return;

	must_be_asked(vma, addr, addr + 1, VMA_ATTR_CHANGE_WRITE);
}

void __vma_attr_check_fault(int n)
{
	this_task()->faults += n;
}

void __vma_attr_check_next(void)
{
	this_task()->changed = NULL;
}

/*
 * State
 */

/* Did these seals refuse the operation to every caller? */
static bool refused_to_all(enum vma_attr_op op, unsigned int seals, vm_flags_t flags)
{
	const struct vma_attr_rule *rule = &vma_attr_rules[op];

	return (seals & rule->always) ||
	       ((seals & rule->unless_writable) && !(flags & VM_WRITE));
}

/* Does the mapping still have what was promised? NULL, or what is wrong. */
static const char *promise_broken(const struct vma_attr_promise *old,
				  struct vm_area_struct *vma)
{
	const vm_flags_t changed = old->flags ^ vma->vm_flags;
	const vm_flags_t either = old->flags | vma->vm_flags;
	const vm_flags_t set = changed & vma->vm_flags;
	const unsigned int seals = vma_attr_seals_in(old->flags);

	if (seals & ~vma_attr_seals_in(vma->vm_flags))
		return "a seal was opened";
	if (old->file != vma->vm_file || old->ops != vma->vm_ops ||
	    old->offset != vma->vm_pgoff - (vma->vm_start >> PAGE_SHIFT))
		return "replaced";
	if ((seals & SEAL_PROT) &&
	    ((changed & PROT_FLAGS) || old->pkey != vma_pkey(vma)))
		return "the protection changed";
	if ((set & VM_DONTCOPY) && refused_to_all(VMA_ATTR_OP_DONTFORK, seals, either))
		return "not for children any more";
	if ((set & VM_WIPEONFORK) &&
	    refused_to_all(VMA_ATTR_OP_WIPEONFORK, seals, either))
		return "empty for children";
	if ((set & (VM_UFFD_MISSING | VM_UFFD_MINOR)) &&
	    refused_to_all(VMA_ATTR_OP_UFFD_REGISTER, seals, either))
		return "registered with a userfaultfd";

	return NULL;
}

/*
 * Report each promise that does not hold.
 *
 * Return: true if something is as it was not before, permitted or not.
 */
static bool check_promises(struct mm_struct *mm, const struct vma_attr_check_mm *old,
			   bool forked)
{
	bool differs = false;
	unsigned int i;

	for (i = 0; i < old->nr; i++) {
		const struct vma_attr_promise *p = &old->promises[i];
		unsigned long addr = p->start;
		struct vm_area_struct *vma;
		const char *what = NULL;
		struct vma_iterator vmi;

		/* Not for children. */
		if (forked && (p->flags & VM_DONTCOPY))
			continue;

		vma_iter_init(&vmi, mm, addr);
		for_each_vma_range(vmi, vma, p->end) {
			if (vma->vm_start > addr)
				break;
			what = promise_broken(p, vma);
			if (what)
				break;
			differs |= p->flags != vma->vm_flags;
			addr = vma->vm_end;
		}
		if (!what && addr < p->end)
			what = "gone";
		if (what) {
			report(VMA_ATTR_CHANGE_SEALED, p->start, p->end,
			       vma_attr_seals_in(p->flags), what);
			differs = true;
		}
	}

	return differs;
}

/* Every sealed mapping is within the bounds that the attribute lock looks at. */
static void check_bounds(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma) {
		if (vma_attr_sealed(vma) &&
		    (vma->vm_start < mm->seal_start || vma->vm_end > mm->seal_end))
			report(VMA_ATTR_CHANGE_SEALED, vma->vm_start, vma->vm_end,
			       vma_attr_seals_in(vma->vm_flags), "outside of the bounds");
	}
}

static void forget_promises(struct vma_attr_check_mm *check)
{
	kvfree(check->promises);
	check->promises = NULL;
	check->nr = 0;
}

/* Note what is promised from now on. */
static void note_promises(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vma_attr_check_mm *check = &mm->attr_check;
	struct vm_area_struct *vma;
	unsigned int nr = 0;

	forget_promises(check);
	for_each_vma(vmi, vma)
		nr += !!(vma_attr_seals_in(vma->vm_flags) & SEAL_MAP);
	if (!nr)
		return;
	/* A debug option must not add failures, nor take those that tests inject. */
	check->promises = kvmalloc_objs(*check->promises, nr, GFP_KERNEL | __GFP_NOFAIL);

	vma_iter_set(&vmi, 0);
	for_each_vma(vmi, vma) {
		if (!(vma_attr_seals_in(vma->vm_flags) & SEAL_MAP))
			continue;
		check->promises[check->nr++] = (struct vma_attr_promise){
			.start = vma->vm_start,
			.end = vma->vm_end,
			.flags = vma->vm_flags,
			.file = vma->vm_file,
			.ops = vma->vm_ops,
			.offset = vma->vm_pgoff - (vma->vm_start >> PAGE_SHIFT),
			.pkey = vma_pkey(vma),
		};
	}
}

void __vma_attr_check_released(struct mm_struct *mm, bool write)
{
	struct vma_attr_check_task *task = this_task();
	unsigned int i;
	bool differs;

	for (i = 0; i < VMA_ATTR_CHECK_NR_ASKED; i++) {
		if (task->asked[i].mm == mm)
			task->asked[i] = (struct vma_attr_asked){ };
	}
	if (task->changed == mm)
		task->changed = NULL;

	if (!write)
		return;
	differs = check_promises(mm, &mm->attr_check, false);
	if (mm->attr_check.stale)
		check_bounds(mm);
	if (differs || mm->attr_check.stale)
		note_promises(mm);
	mm->attr_check.stale = false;
}

void __vma_attr_check_fork(struct mm_struct *mm, struct mm_struct *oldmm)
{
	check_promises(mm, &oldmm->attr_check, true);
	mm->attr_check.stale = vma_attr_mm_sealed(mm);
}

void __vma_attr_check_mm_init(struct mm_struct *mm)
{
	mm->attr_check = (struct vma_attr_check_mm){ };
}

void __vma_attr_check_exit(struct mm_struct *mm)
{
	forget_promises(&mm->attr_check);
	mm->attr_check.stale = false;
}

/*
 * Gathers: pages that were unmapped, and may not have been flushed
 */

void __vma_attr_check_gather(struct mmu_gather *tlb, bool begin)
{
	unsigned long flags;

	spin_lock_irqsave(&gathers_lock, flags);
	if (begin) {
		tlb->check_seq = ++gather_seq;
		list_add_tail(&tlb->check_node, &gathers);
	} else {
		list_del(&tlb->check_node);
	}
	spin_unlock_irqrestore(&gathers_lock, flags);
}

void __vma_attr_check_seal(struct mm_struct *mm)
{
	unsigned long flags;

	mm->attr_check.stale = true;
	mm->attr_check.flushed = false;
	spin_lock_irqsave(&gathers_lock, flags);
	mm->attr_check.seal_seq = gather_seq;
	spin_unlock_irqrestore(&gathers_lock, flags);
}

void __vma_attr_check_flushed(struct mm_struct *mm)
{
	mm->attr_check.flushed = true;
}

void __vma_attr_check_sealed(struct mm_struct *mm, unsigned long start,
			     unsigned long end)
{
	struct mmu_gather *tlb;
	bool pending = false;
	unsigned long flags;

	if (mm->attr_check.flushed)
		return;

	spin_lock_irqsave(&gathers_lock, flags);
	list_for_each_entry(tlb, &gathers, check_node)
		pending |= tlb->mm == mm && tlb->check_seq <= mm->attr_check.seal_seq;
	spin_unlock_irqrestore(&gathers_lock, flags);

	if (pending)
		report(VMA_ATTR_CHANGE_UNFLUSHED, start, end, 0, "by mseal()");
}

static int __init vma_attr_check_param(char *arg)
{
	return arg ? kstrtouint(arg, 0, &check_level) : -EINVAL;
}
early_param("debug_vma_attr", vma_attr_check_param);

/* Before the first user process: from here on every question is remembered. */
static int __init vma_attr_check_init(void)
{
	if (!check_level)
		return 0;

	static_branch_enable(&vma_attr_check_key);
	pr_info("level %u: %s\n", check_level,
		check_level < 2 ? "sealed mappings" : "all mappings");
	return 0;
}
early_initcall(vma_attr_check_init);
