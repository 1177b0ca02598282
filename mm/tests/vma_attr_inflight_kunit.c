// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the VMA attribute lock: operations that began before the seal.
 *
 * Once mseal() has returned, nothing that it forbids can still take effect. So it
 * flushes TLBs, waits for holes and truncations under way, and an operation that
 * dropped the mmap lock asks again about the same pages. The tests hold such an
 * operation open, seal, and look.
 *
 * mseal() runs in a thread of its own where it may wait. Nothing here goes by time:
 * a thread that has to wait is seen asleep in the right place, and one that must not
 * wait ends by itself while the operation is still open. Only a failing test runs
 * into its time limit.
 */

#include <kunit/mm_layout.h>
#include <kunit/mm_syscall.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/shmem_fs.h>
#include <linux/vma_attr.h>

#include <asm/tlb.h>
#include <asm/tlbflush.h>

#include "../internal.h"
#include "../vma_attr_discard.h"
#include "vma_attr_test.h"

#define AREA_PAGES	16
#define FILE_PAGES	64

/* How long to wait for what a correct kernel does at once. */
#define TIME_LIMIT	(20 * HZ)

/**
 * struct inflight - What each test has
 * @area: an area of the mm of the thread, with a file
 * @other_file: another file of the same size
 * @warned: vma_attr_warned() when the test began
 */
struct inflight {
	struct kunit_mm_area area;
	struct file *other_file;
	unsigned long warned;
};

/* The flags of mseal(). */
static const struct seal {
	const char *name;
	unsigned long flags;
} seals[] = {
	{ "0",			0 },
	{ "MAP",		MSEAL_MAP },
	{ "PROT",		MSEAL_PROT },
	{ "MAP|PROT",		MSEAL_MAP | MSEAL_PROT },
	{ "DISCARD",		MSEAL_DISCARD },
	{ "MAP|DISCARD",	MSEAL_MAP | MSEAL_DISCARD },
	{ "PROT|DISCARD",	MSEAL_PROT | MSEAL_DISCARD },
	{ "MAP|PROT|DISCARD",	MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD },
};

KUNIT_ARRAY_PARAM_DESC(seals, seals, name);

static unsigned long page_addr(struct kunit *test, int page)
{
	struct inflight *inflight = test->priv;

	return kunit_mm_page_addr(&inflight->area, page);
}

static long seal_pages(struct kunit *test, int first, int end, unsigned long flags)
{
	return kunit_mm_syscall(mseal, page_addr(test, first),
				(end - first) * PAGE_SIZE, flags);
}

/* Map pages [first, end), read-only, from page @pgoff of a file on. */
static void map_file(struct kunit *test, int first, int end, struct file *file,
		     int pgoff, unsigned long map_flags)
{
	const unsigned long addr = page_addr(test, first);

	KUNIT_ASSERT_EQ(test, addr,
			vm_mmap(file, addr, (end - first) * PAGE_SIZE, PROT_READ,
				map_flags | MAP_FIXED, pgoff * PAGE_SIZE));
}

/* Map pages [first, end), read-only and anonymous. */
static void map_anon(struct kunit *test, int first, int end)
{
	const unsigned long addr = page_addr(test, first);

	KUNIT_ASSERT_EQ(test, addr,
			vm_mmap(NULL, addr, (end - first) * PAGE_SIZE, PROT_READ,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0));
}

/*
 * A thread that seals
 */

/**
 * struct sealer - A call of mseal() in a thread of its own
 * @mm: the mm to seal in
 * @addr: first address
 * @len: length in bytes
 * @flags: flags of mseal()
 * @task: the thread
 * @ret: what mseal() returned
 * @done: it has returned
 */
struct sealer {
	struct mm_struct *mm;
	unsigned long addr;
	unsigned long len;
	unsigned long flags;
	struct task_struct *task;
	long ret;
	struct completion done;
};

static int sealer_run(void *data)
{
	struct sealer *sealer = data;

	/* For the test that kills it: a kernel thread ignores signals. */
	allow_signal(SIGKILL);
	kthread_use_mm(sealer->mm);
	sealer->ret = kunit_mm_syscall(mseal, sealer->addr, sealer->len, sealer->flags);
	kthread_unuse_mm(sealer->mm);
	complete_all(&sealer->done);

	return 0;
}

static struct sealer *sealer_start(struct kunit *test, int first, int end,
				   unsigned long flags)
{
	struct sealer *sealer;

	sealer = kunit_kzalloc(test, sizeof(*sealer), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sealer);
	sealer->mm = current->mm;
	sealer->addr = page_addr(test, first);
	sealer->len = (end - first) * PAGE_SIZE;
	sealer->flags = flags;
	init_completion(&sealer->done);

	sealer->task = kthread_create(sealer_run, sealer, "vma_attr_sealer");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sealer->task);
	get_task_struct(sealer->task);
	wake_up_process(sealer->task);

	return sealer;
}

/* Does mseal() return while what it might wait for is still there? */
static bool sealer_returns(struct sealer *sealer)
{
	return wait_for_completion_timeout(&sealer->done, TIME_LIMIT);
}

/* Does it sleep in this state? Once it was woken it no longer does. */
static bool sealer_sleeps(struct sealer *sealer, unsigned int state)
{
	return READ_ONCE(sealer->task->__state) == state;
}

/* Wait until mseal() sleeps for this hole. False if it does not. */
static bool sealer_waits_for(struct sealer *sealer, struct vma_attr_punch *punch)
{
	const unsigned long limit = jiffies + TIME_LIMIT;

	while (list_empty(&punch->waits) || !sealer_sleeps(sealer, TASK_KILLABLE)) {
		if (completion_done(&sealer->done) || time_after(jiffies, limit))
			return false;
		cond_resched();
	}
	return true;
}

/* Wait for the end of the thread: nothing is left to wait for. */
static void sealer_end(struct kunit *test, struct sealer *sealer, long want)
{
	/* It uses memory of the test, so it must not stay behind. */
	if (!sealer_returns(sealer)) {
		KUNIT_FAIL(test, "mseal() waits for something that has ended");
		send_sig(SIGKILL, sealer->task, /* priv= */ 1);
		wait_for_completion(&sealer->done);
	}
	kthread_stop_put(sealer->task);
	KUNIT_EXPECT_EQ(test, want, sealer->ret);
}

/* The seals of a page as flags of mseal(), for LSMs; 0 if there is none. */
static unsigned long seals_at(struct kunit *test, int page)
{
	struct vm_area_struct *vma;
	unsigned long seals;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, page_addr(test, page));
	seals = vma ? vma_attr_seals(vma) : 0;
	mmap_read_unlock(current->mm);

	return seals;
}

/*
 * Asking again about the same pages of the same file
 */

static int still_permits(struct kunit *test, int first, int end, struct file *file,
			 int pgoff)
{
	int ret;

	mmap_read_lock(current->mm);
	ret = vma_attr_still_permits(current->mm, page_addr(test, first),
				     page_addr(test, end), file,
				     (loff_t)pgoff * PAGE_SIZE, VMA_ATTR_OP_DISCARD);
	mmap_read_unlock(current->mm);

	return ret;
}

/* A process that has sealed nothing is not asked, as in mainline. */
static void still_permits_unsealed(struct kunit *test)
{
	struct inflight *inflight = test->priv;
	struct file *file = inflight->area.file;

	map_file(test, 0, 4, file, 0, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 0, 4, file, 0));
	/* Another file, other pages, a gap behind it, nothing at all. */
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 0, 4, inflight->other_file, 0));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 0, 4, file, 1));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 2, 6, file, 2));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 8, 10, file, 0));
}

/* With a seal anywhere in the mm the range has to map what it did. */
static void still_permits_same_pages(struct kunit *test)
{
	struct inflight *inflight = test->priv;
	struct file *file = inflight->area.file;

	map_anon(test, 15, 16);
	KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 15, 16, MSEAL_MAP));
	map_file(test, 1, 5, file, 3, MAP_SHARED);

	/* All of it, its start, its end, its middle. */
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 1, 5, file, 3));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 1, 2, file, 3));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 4, 5, file, 6));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 2, 4, file, 4));
	/* A mapping of several VMAs. */
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_syscall(mprotect, page_addr(test, 2),
						  PAGE_SIZE, PROT_NONE));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 1, 5, file, 3));

	/* Another file, and other pages of it in either direction. */
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 1, 5, inflight->other_file, 3));
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 1, 5, file, 2));
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 1, 5, file, 4));
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 2, 4, file, 3));
	/* A gap before it, behind it, and nothing at all. */
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 0, 5, file, 2));
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 1, 6, file, 3));
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 8, 10, file, 3));
	/* A gap in the middle. */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(page_addr(test, 3), PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 1, 5, file, 3));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 1, 3, file, 3));

	/* Its end maps other pages, then another file, then anonymous memory. */
	map_file(test, 3, 5, file, 4, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 1, 5, file, 3));
	map_file(test, 3, 5, inflight->other_file, 5, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 1, 5, file, 3));
	map_anon(test, 3, 5);
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 1, 5, file, 3));
	map_file(test, 3, 5, file, 5, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 1, 5, file, 3));
}

/* The owner moves the mapping and seals it there: nothing is left to ask about. */
static void still_permits_moved(struct kunit *test)
{
	struct inflight *inflight = test->priv;
	struct file *file = inflight->area.file;
	const unsigned long len = 2 * PAGE_SIZE;
	unsigned long to = page_addr(test, 8);

	map_file(test, 0, 2, file, 0, MAP_SHARED);
	KUNIT_ASSERT_EQ(test, (long)to,
			kunit_mm_syscall(mremap, page_addr(test, 0), len, len,
					 MREMAP_MAYMOVE | MREMAP_FIXED, to));
	KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 8, 10, MSEAL_DISCARD));

	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 0, 2, file, 0));
	KUNIT_EXPECT_EQ(test, -EPERM, still_permits(test, 8, 10, file, 0));
	/* Something else took its place. */
	map_anon(test, 0, 2);
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 0, 2, file, 0));
	map_file(test, 0, 2, file, 2, MAP_SHARED);
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 0, 2, file, 0));
}

/* The same pages, sealed in the meantime. */
static void still_permits_sealed(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	struct inflight *inflight = test->priv;
	const int want = seal->flags & MSEAL_DISCARD ? -EPERM : 0;
	struct file *file = inflight->area.file;

	map_file(test, 0, 6, file, 0, MAP_SHARED);
	KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 2, 4, seal->flags));

	KUNIT_EXPECT_EQ(test, want, still_permits(test, 0, 6, file, 0));
	KUNIT_EXPECT_EQ(test, want, still_permits(test, 0, 3, file, 0));
	KUNIT_EXPECT_EQ(test, want, still_permits(test, 3, 5, file, 3));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 0, 2, file, 0));
	KUNIT_EXPECT_EQ(test, 0, still_permits(test, 4, 6, file, 4));
	/* The lower address decides between the two errors. */
	KUNIT_EXPECT_EQ(test, want ?: -ENOMEM, still_permits(test, 0, 7, file, 0));
	KUNIT_EXPECT_EQ(test, -ENOMEM, still_permits(test, 0, 6, file, 1));
}

/*
 * Holes that are being punched
 */

/* List a hole in pages [first, end) of a file, as MADV_REMOVE does. */
static void hole_begin(struct vma_attr_punch *punch, struct mm_struct *mm,
		       struct file *file, int first, int end)
{
	mmap_read_lock(mm);
	vma_attr_punch_begin(punch, mm, file, (loff_t)first * PAGE_SIZE,
			     (loff_t)(end - first) * PAGE_SIZE);
	mmap_read_unlock(mm);
}

/*
 * Pages 2 to 6 of the area are sealed. They map pages 10 to 14 of the file, and are
 * one VMA or two, or a part of one that is sealed already. The hole is in these pages
 * of the file or elsewhere.
 */
static const struct hole {
	const char *name;
	int first, end;
	bool awaited;
	bool other_file;
	bool other_mm;
} holes[] = {
	{ "all of it",		10, 14,	.awaited = true },
	{ "the first page",	10, 11,	.awaited = true },
	{ "the last page",	13, 14,	.awaited = true },
	{ "over its start",	8, 11,	.awaited = true },
	{ "over its end",	13, 16,	.awaited = true },
	{ "more than it",	0, 64,	.awaited = true },
	{ "up to it",		8, 10 },
	{ "from it on",		14, 16 },
	{ "of other pages",	2, 6 },
	{ "of another file",	10, 14,	.other_file = true },
	{ "of another mm",	10, 14,	.other_mm = true },
};

/* What is sealed. */
static const struct sealed {
	const char *name;
	unsigned long map_flags;
	bool two_vmas;
	bool part;
	bool anon;
} sealed[] = {
	{ "shared",		MAP_SHARED },
	{ "shared, two VMAs",	MAP_SHARED,	.two_vmas = true },
	{ "shared, again",	MAP_SHARED,	.part = true },
	{ "private",		MAP_PRIVATE },
	{ "anonymous",		.anon = true },
};

/* Each hole with each kind of mapping; the parameter is a number. */
static const void *holes_gen_params(struct kunit *test, const void *prev, char *desc)
{
	const unsigned long nr = (unsigned long)prev;

	if (nr == ARRAY_SIZE(holes) * ARRAY_SIZE(sealed))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "a hole %s, %s",
		 holes[nr / ARRAY_SIZE(sealed)].name,
		 sealed[nr % ARRAY_SIZE(sealed)].name);
	return (void *)(nr + 1);
}

static void map_sealed(struct kunit *test, const struct sealed *what)
{
	struct inflight *inflight = test->priv;

	if (what->anon)
		map_anon(test, 2, 6);
	else if (!what->part)
		map_file(test, 2, 6, inflight->area.file, 10, what->map_flags);
	if (what->part) {
		map_file(test, 0, 8, inflight->area.file, 8, what->map_flags);
		KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 0, 8, MSEAL_DISCARD));
	}
	if (what->two_vmas)
		KUNIT_ASSERT_EQ(test, 0, kunit_mm_syscall(mprotect, page_addr(test, 4),
							  2 * PAGE_SIZE, PROT_NONE));
}

/* mseal() waits for a hole exactly if it is in the pages that are sealed. */
static void mseal_waits_for_hole(struct kunit *test)
{
	const unsigned long nr = (unsigned long)test->param_value - 1;
	const struct hole *hole = &holes[nr / ARRAY_SIZE(sealed)];
	const struct sealed *what = &sealed[nr % ARRAY_SIZE(sealed)];
	const bool awaited = hole->awaited && !what->anon;
	struct inflight *inflight = test->priv;
	struct vma_attr_punch *punch, *bystander;
	struct mm_struct *mm = current->mm;
	struct sealer *sealer;

	map_sealed(test, what);
	punch = kunit_kcalloc(test, 2, sizeof(*punch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, punch);
	bystander = &punch[1];
	if (hole->other_mm) {
		mm = mm_alloc();
		KUNIT_ASSERT_NOT_NULL(test, mm);
	}
	/* There always is a hole of this mm and file to look at, but elsewhere. */
	hole_begin(bystander, current->mm, inflight->area.file, 40, 41);
	hole_begin(punch, mm, hole->other_file ? inflight->other_file :
						 inflight->area.file,
		   hole->first, hole->end);

	sealer = sealer_start(test, 2, 6, MSEAL_DISCARD);
	if (awaited) {
		KUNIT_EXPECT_TRUE(test, sealer_waits_for(sealer, punch));
		/* It waits without the mmap lock, for what it has sealed already. */
		if (mmap_read_trylock(current->mm)) {
			mmap_read_unlock(current->mm);
			KUNIT_EXPECT_EQ(test, MSEAL_DISCARD, seals_at(test, 2));
			KUNIT_EXPECT_EQ(test, MSEAL_DISCARD, seals_at(test, 5));
		} else {
			KUNIT_FAIL(test, "mseal() waits with the mmap lock");
		}
		/* One node for each hole, also if two VMAs map its pages. */
		KUNIT_EXPECT_TRUE(test, list_is_singular(&punch->waits));
	} else {
		KUNIT_EXPECT_TRUE(test, sealer_returns(sealer));
		KUNIT_EXPECT_TRUE(test, list_empty(&punch->waits));
	}
	KUNIT_EXPECT_TRUE(test, list_empty(&bystander->waits));
	vma_attr_punch_end(punch);
	sealer_end(test, sealer, 0);
	vma_attr_punch_end(bystander);
	if (hole->other_mm)
		mmput(mm);
}

/* Only MSEAL_DISCARD promises that nothing is discarded, so only it waits. */
static void mseal_waits_by_flags(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	struct inflight *inflight = test->priv;
	struct vma_attr_punch *punch;
	struct sealer *sealer;

	map_file(test, 0, 2, inflight->area.file, 0, MAP_SHARED);
	punch = kunit_kzalloc(test, sizeof(*punch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, punch);
	hole_begin(punch, current->mm, inflight->area.file, 0, 2);

	sealer = sealer_start(test, 0, 2, seal->flags);
	if (seal->flags & MSEAL_DISCARD)
		KUNIT_EXPECT_TRUE(test, sealer_waits_for(sealer, punch));
	else
		KUNIT_EXPECT_TRUE(test, sealer_returns(sealer));
	vma_attr_punch_end(punch);
	sealer_end(test, sealer, 0);
}

/* What could not be sealed is not waited for. */
static void mseal_failed_waits_for_nothing(struct kunit *test)
{
	struct inflight *inflight = test->priv;
	struct vma_attr_punch *punch;
	struct sealer *sealer;

	map_file(test, 0, 2, inflight->area.file, 0, MAP_SHARED);
	punch = kunit_kzalloc(test, sizeof(*punch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, punch);
	hole_begin(punch, current->mm, inflight->area.file, 0, 2);

	/* With a gap at its end. */
	sealer = sealer_start(test, 0, 3, MSEAL_DISCARD);
	KUNIT_EXPECT_TRUE(test, sealer_returns(sealer));
	KUNIT_EXPECT_TRUE(test, list_empty(&punch->waits));
	KUNIT_EXPECT_EQ(test, 0, seals_at(test, 0));
	vma_attr_punch_end(punch);
	sealer_end(test, sealer, -ENOMEM);
}

/* A hole that begins after the seal is none of its business: the wait ends. */
static void mseal_waits_for_older_holes(struct kunit *test)
{
	struct inflight *inflight = test->priv;
	struct file *file = inflight->area.file;
	struct vma_attr_punch *punch;
	struct sealer *sealer;

	map_file(test, 0, 4, file, 0, MAP_SHARED);
	punch = kunit_kcalloc(test, 2, sizeof(*punch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, punch);

	hole_begin(&punch[0], current->mm, file, 0, 4);
	sealer = sealer_start(test, 0, 4, MSEAL_DISCARD);
	KUNIT_EXPECT_TRUE(test, sealer_waits_for(sealer, &punch[0]));
	hole_begin(&punch[1], current->mm, file, 0, 4);
	KUNIT_EXPECT_TRUE(test, list_empty(&punch[1].waits));
	vma_attr_punch_end(&punch[0]);

	KUNIT_EXPECT_TRUE(test, sealer_returns(sealer));
	vma_attr_punch_end(&punch[1]);
	sealer_end(test, sealer, 0);
}

static const struct order {
	const char *name;
	bool backwards;
} orders[] = {
	{ "the older one ends first" },
	{ "the younger one ends first",	.backwards = true },
};

KUNIT_ARRAY_PARAM_DESC(orders, orders, name);

/* Two holes that overlap, and one elsewhere: it takes the end of both. */
static void mseal_waits_for_both_holes(struct kunit *test)
{
	const bool backwards = ((const struct order *)test->param_value)->backwards;
	struct inflight *inflight = test->priv;
	struct file *file = inflight->area.file;
	struct vma_attr_punch *punch, *one, *other;
	struct sealer *sealer;

	map_file(test, 0, 4, file, 0, MAP_SHARED);
	punch = kunit_kcalloc(test, 3, sizeof(*punch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, punch);
	one = &punch[backwards ? 2 : 0];
	other = &punch[backwards ? 0 : 2];

	hole_begin(&punch[0], current->mm, file, 0, 3);
	hole_begin(&punch[1], current->mm, file, 8, 12);
	hole_begin(&punch[2], current->mm, file, 2, 6);
	sealer = sealer_start(test, 0, 4, MSEAL_DISCARD);
	KUNIT_EXPECT_TRUE(test, sealer_waits_for(sealer, one));
	KUNIT_EXPECT_TRUE(test, sealer_waits_for(sealer, other));
	KUNIT_EXPECT_TRUE(test, list_empty(&punch[1].waits));

	vma_attr_punch_end(one);
	/* It sleeps on: complete() would have woken it by now. */
	KUNIT_EXPECT_TRUE(test, sealer_sleeps(sealer, TASK_KILLABLE));
	KUNIT_EXPECT_FALSE(test, list_empty(&other->waits));

	vma_attr_punch_end(other);
	KUNIT_EXPECT_TRUE(test, sealer_returns(sealer));
	vma_attr_punch_end(&punch[1]);
	sealer_end(test, sealer, 0);
}

/* Two calls that wait for one hole, and one of them for another hole as well. */
static void mseal_twice_waits_for_hole(struct kunit *test)
{
	struct inflight *inflight = test->priv;
	struct file *file = inflight->area.file;
	struct vma_attr_punch *punch;
	struct sealer *sealers[2];

	map_file(test, 0, 6, file, 0, MAP_SHARED);
	punch = kunit_kcalloc(test, 2, sizeof(*punch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, punch);

	hole_begin(&punch[0], current->mm, file, 1, 3);
	sealers[0] = sealer_start(test, 0, 2, MSEAL_DISCARD);
	KUNIT_EXPECT_TRUE(test, sealer_waits_for(sealers[0], &punch[0]));
	hole_begin(&punch[1], current->mm, file, 4, 5);
	sealers[1] = sealer_start(test, 2, 6, MSEAL_DISCARD);
	KUNIT_EXPECT_TRUE(test, sealer_waits_for(sealers[1], &punch[1]));
	KUNIT_EXPECT_EQ(test, 2, list_count_nodes(&punch[0].waits));
	KUNIT_EXPECT_EQ(test, 1, list_count_nodes(&punch[1].waits));

	/* The end of the first hole lets go the first call only. */
	vma_attr_punch_end(&punch[0]);
	KUNIT_EXPECT_TRUE(test, sealer_returns(sealers[0]));
	KUNIT_EXPECT_TRUE(test, sealer_sleeps(sealers[1], TASK_KILLABLE));
	vma_attr_punch_end(&punch[1]);
	KUNIT_EXPECT_TRUE(test, sealer_returns(sealers[1]));
	sealer_end(test, sealers[0], 0);
	sealer_end(test, sealers[1], 0);
}

/* A signal that kills ends the wait. The holes forget the call, which is gone. */
static void mseal_killed(struct kunit *test)
{
	struct inflight *inflight = test->priv;
	struct file *file = inflight->area.file;
	struct vma_attr_punch *punch;
	struct sealer *killed, *other;

	map_file(test, 0, 4, file, 0, MAP_SHARED);
	punch = kunit_kcalloc(test, 2, sizeof(*punch), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, punch);

	hole_begin(&punch[0], current->mm, file, 0, 4);
	hole_begin(&punch[1], current->mm, file, 0, 1);
	killed = sealer_start(test, 0, 2, MSEAL_DISCARD);
	KUNIT_EXPECT_TRUE(test, sealer_waits_for(killed, &punch[0]));
	other = sealer_start(test, 2, 4, MSEAL_DISCARD);
	KUNIT_EXPECT_TRUE(test, sealer_waits_for(other, &punch[0]));

	send_sig(SIGKILL, killed->task, /* priv= */ 1);
	KUNIT_EXPECT_TRUE(test, sealer_returns(killed));
	KUNIT_EXPECT_TRUE(test, list_is_singular(&punch[0].waits));
	KUNIT_EXPECT_TRUE(test, list_empty(&punch[1].waits));
	/* The seal was set before. */
	KUNIT_EXPECT_EQ(test, MSEAL_DISCARD, seals_at(test, 0));

	/* Nobody else was let go. */
	KUNIT_EXPECT_TRUE(test, sealer_sleeps(other, TASK_KILLABLE));
	vma_attr_punch_end(&punch[1]);
	vma_attr_punch_end(&punch[0]);
	KUNIT_EXPECT_TRUE(test, sealer_returns(other));
	sealer_end(test, killed, 0);
	sealer_end(test, other, 0);
}

/*
 * Truncations under way
 */

/**
 * struct truncation - A thread that holds i_mmap_rwsem, as a truncation does
 * @mapping: the file
 * @held: it has the lock
 * @release: it may give it back
 */
struct truncation {
	struct address_space *mapping;
	struct completion held;
	struct completion release;
};

static int truncation_run(void *data)
{
	struct truncation *truncation = data;

	i_mmap_lock_read(truncation->mapping);
	complete(&truncation->held);
	wait_for_completion(&truncation->release);
	i_mmap_unlock_read(truncation->mapping);

	return 0;
}

/* Which mappings wait for which truncation; a second VMA maps another file. */
static const struct truncated {
	const char *name;
	unsigned long flags;
	unsigned long map_flags;
	bool other_file;
	bool anon;
	bool awaited;
} truncated[] = {
	{ "private, DISCARD",		MSEAL_DISCARD,	MAP_PRIVATE,	.awaited = true },
	{ "private, MAP|PROT|DISCARD",	MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD,
					MAP_PRIVATE,	.awaited = true },
	{ "private, 0",			0,		MAP_PRIVATE },
	{ "private, MAP",		MSEAL_MAP,	MAP_PRIVATE },
	{ "private, MAP|PROT",		MSEAL_MAP | MSEAL_PROT,	MAP_PRIVATE },
	{ "shared, DISCARD",		MSEAL_DISCARD,	MAP_SHARED },
	{ "of another file, DISCARD",	MSEAL_DISCARD,	MAP_PRIVATE,	.other_file = true },
	{ "anonymous, DISCARD",		MSEAL_DISCARD,	.anon = true },
};

KUNIT_ARRAY_PARAM_DESC(truncated, truncated, name);

/* Wait until mseal() sleeps for the lock. False if it does not. */
static bool sealer_waits_for_truncation(struct sealer *sealer,
					struct address_space *mapping)
{
	const unsigned long limit = jiffies + TIME_LIMIT;

	while (!rwsem_is_contended(&mapping->i_mmap_rwsem) ||
	       !sealer_sleeps(sealer, TASK_UNINTERRUPTIBLE)) {
		if (completion_done(&sealer->done) || time_after(jiffies, limit))
			return false;
		cond_resched();
	}
	return true;
}

/*
 * A truncation may have looked at the mapping before the seal, and then unmap
 * private copies: mseal() returns when it has let go of the file.
 */
static void mseal_waits_for_truncation(struct kunit *test)
{
	const struct truncated *what = test->param_value;
	struct inflight *inflight = test->priv;
	struct vm_area_struct *first, *last;
	struct truncation *truncation;
	struct task_struct *thread;
	struct sealer *sealer;

	/* Two VMAs, so that the second has to be waited for as well. */
	map_anon(test, 0, 2);
	if (what->anon)
		map_anon(test, 2, 4);
	else
		map_file(test, 2, 4, inflight->area.file, 0, what->map_flags);
	first = vma_lookup(current->mm, page_addr(test, 0));
	last = vma_lookup(current->mm, page_addr(test, 3));

	truncation = kunit_kzalloc(test, sizeof(*truncation), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, truncation);
	truncation->mapping = what->other_file ? inflight->other_file->f_mapping :
						 inflight->area.file->f_mapping;
	init_completion(&truncation->held);
	init_completion(&truncation->release);
	thread = kthread_create(truncation_run, truncation, "vma_attr_truncate");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	get_task_struct(thread);
	wake_up_process(thread);
	wait_for_completion(&truncation->held);

	sealer = sealer_start(test, 0, 4, what->flags);
	if (what->awaited) {
		KUNIT_EXPECT_TRUE(test, sealer_waits_for_truncation(sealer,
								    truncation->mapping));
		/*
		 * All of it is sealed by now, so a truncation that takes the lock
		 * next sees it. The call has the mmap lock, and changes nothing.
		 */
		KUNIT_EXPECT_EQ(test, what->flags, vma_attr_seals(first));
		KUNIT_EXPECT_EQ(test, what->flags, vma_attr_seals(last));
		KUNIT_EXPECT_TRUE(test, vma_attr_keeps_cows(last));
	} else {
		KUNIT_EXPECT_TRUE(test, sealer_returns(sealer));
	}
	complete(&truncation->release);
	sealer_end(test, sealer, 0);
	kthread_stop_put(thread);
}

/*
 * TLB flushes that are pending
 */

/*
 * Has a TLB of the mm been flushed since flush_watch()? On UML a flush is a range that
 * is noted for the next return to user space.
 */
#if defined(CONFIG_UML)
#define CAN_WATCH_FLUSHES	true

static u64 flush_watch(struct mm_struct *mm)
{
	guard(spinlock_irqsave)(&mm->context.sync_tlb_lock);
	/* As um_tlb_sync() does. No process runs in this mm. */
	mm->context.sync_tlb_range_from = 0;
	mm->context.sync_tlb_range_to = 0;

	return 0;
}

static bool flushed(struct mm_struct *mm, u64 watched, unsigned long start,
		    unsigned long end)
{
	guard(spinlock_irqsave)(&mm->context.sync_tlb_lock);

	return mm->context.sync_tlb_range_to >= end &&
	       mm->context.sync_tlb_range_from <= start;
}

static bool not_flushed(struct mm_struct *mm, u64 watched)
{
	guard(spinlock_irqsave)(&mm->context.sync_tlb_lock);

	return !mm->context.sync_tlb_range_to;
}
#elif defined(CONFIG_X86_64)
#define CAN_WATCH_FLUSHES	true

static u64 flush_watch(struct mm_struct *mm)
{
	return atomic64_read(&mm->context.tlb_gen);
}

static bool flushed(struct mm_struct *mm, u64 watched, unsigned long start,
		    unsigned long end)
{
	return atomic64_read(&mm->context.tlb_gen) != watched;
}

static bool not_flushed(struct mm_struct *mm, u64 watched)
{
	return atomic64_read(&mm->context.tlb_gen) == watched;
}
#else
#define CAN_WATCH_FLUSHES	false

static u64 flush_watch(struct mm_struct *mm)
{
	return 0;
}

static bool flushed(struct mm_struct *mm, u64 watched, unsigned long start,
		    unsigned long end)
{
	return true;
}

static bool not_flushed(struct mm_struct *mm, u64 watched)
{
	return true;
}
#endif

/* Map pages 0 to 4 and touch them: two VMAs, the first of which is read-only. */
static void map_touched(struct kunit *test)
{
	struct inflight *inflight = test->priv;

	KUNIT_ASSERT_MM_BUILD(test, &inflight->area, "prot |rr|ww|\nback |AA|AA|");
}

/* Zap pages [first, end) of a VMA as madvise() does, and leave the flush to later. */
static void zap_pages(struct kunit *test, struct mmu_gather *tlb, int first, int end)
{
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, page_addr(test, first));
	KUNIT_EXPECT_TRUE(test, vma_attr_permits(vma, VMA_ATTR_OP_DISCARD));
	zap_vma_range_batched(tlb, vma, page_addr(test, first),
			      (end - first) * PAGE_SIZE, NULL);
	mmap_read_unlock(current->mm);
}

/*
 * madvise() may drop its lock with the flush still to come: a thread could go on
 * reading the page that is gone, after mseal() has returned.
 */
static void mseal_flushes(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	struct mm_struct *mm = current->mm;
	struct mmu_gather tlb;
	u64 watched;
	long ret;

	if (!CAN_WATCH_FLUSHES)
		kunit_skip(test, "nothing here shows whether a TLB was flushed");

	/* In the first VMA of the range, which it takes in part. */
	map_touched(test);
	tlb_gather_mmu(&tlb, mm);
	zap_pages(test, &tlb, 1, 2);
	watched = flush_watch(mm);
	ret = seal_pages(test, 1, 2, seal->flags);
	KUNIT_EXPECT_TRUE(test, flushed(mm, watched, page_addr(test, 1),
					page_addr(test, 2)));
	tlb_finish_mmu(&tlb);
	KUNIT_EXPECT_EQ(test, 0, ret);

	/* Several VMAs, with the zap in the last of them; the first is sealed already. */
	tlb_gather_mmu(&tlb, mm);
	zap_pages(test, &tlb, 3, 4);
	watched = flush_watch(mm);
	ret = seal_pages(test, 0, 4, seal->flags);
	KUNIT_EXPECT_TRUE(test, flushed(mm, watched, page_addr(test, 0),
					page_addr(test, 4)));
	tlb_finish_mmu(&tlb);
	KUNIT_EXPECT_EQ(test, 0, ret);

	/* What was sealed before is flushed as well: this promise is made again. */
	tlb_gather_mmu(&tlb, mm);
	zap_pages(test, &tlb, 2, 3);
	watched = flush_watch(mm);
	ret = seal_pages(test, 2, 4, seal->flags);
	KUNIT_EXPECT_TRUE(test, flushed(mm, watched, page_addr(test, 2),
					page_addr(test, 4)));
	tlb_finish_mmu(&tlb);
	KUNIT_EXPECT_EQ(test, 0, ret);
}

/* With no flush pending mseal() flushes nothing, and it costs nothing. */
static void mseal_flushes_only_pending(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	struct mm_struct *mm = current->mm, *other;
	struct mmu_gather tlb;
	u64 watched;
	long ret;

	if (!CAN_WATCH_FLUSHES)
		kunit_skip(test, "nothing here shows whether a TLB was flushed");

	map_touched(test);
	tlb_gather_mmu(&tlb, mm);
	zap_pages(test, &tlb, 0, 1);
	tlb_finish_mmu(&tlb);
	watched = flush_watch(mm);
	KUNIT_EXPECT_EQ(test, 0, seal_pages(test, 0, 2, seal->flags));
	KUNIT_EXPECT_TRUE(test, not_flushed(mm, watched));

	/* Another mm has one. */
	other = mm_alloc();
	KUNIT_ASSERT_NOT_NULL(test, other);
	tlb_gather_mmu(&tlb, other);
	watched = flush_watch(mm);
	ret = seal_pages(test, 2, 4, seal->flags);
	KUNIT_EXPECT_TRUE(test, not_flushed(mm, watched));
	tlb_finish_mmu(&tlb);
	mmput(other);
	KUNIT_EXPECT_EQ(test, 0, ret);
}

/* Reclaim unmaps lazily freed pages and flushes later, without a gather. */
static void mseal_flushes_for_reclaim(struct kunit *test)
{
#ifdef CONFIG_ARCH_WANT_BATCHED_UNMAP_TLB_FLUSH
	const struct seal *seal = test->param_value;
	struct mm_struct *mm = current->mm;

	map_touched(test);
	/* One flush is pending, none was made. */
	atomic_set(&mm->tlb_flush_batched, 1);
	KUNIT_EXPECT_EQ(test, 0, seal_pages(test, 0, 2, seal->flags));
	/* The walk that keeps lazily freed pages makes it. */
	if (seal->flags & MSEAL_DISCARD)
		KUNIT_EXPECT_NE(test, 1, atomic_read(&mm->tlb_flush_batched));
	else
		KUNIT_EXPECT_EQ(test, 1, atomic_read(&mm->tlb_flush_batched));
#else
	kunit_skip(test, "reclaim flushes at once here");
#endif
}

static void put_file(void *file)
{
	fput(file);
}

static int inflight_init(struct kunit *test)
{
	struct inflight *inflight;

	inflight = kunit_kzalloc(test, sizeof(*inflight), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, inflight);
	test->priv = inflight;
	inflight->warned = vma_attr_warned();
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_area_init(test, &inflight->area, AREA_PAGES,
						    FILE_PAGES));
	inflight->other_file = shmem_file_setup("kunit other", FILE_PAGES * PAGE_SIZE,
						EMPTY_VMA_FLAGS);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, inflight->other_file);

	return kunit_add_action_or_reset(test, put_file, inflight->other_file);
}

static void inflight_exit(struct kunit *test)
{
	struct inflight *inflight = test->priv;

	/* Lockdep above all. */
	if (inflight)
		KUNIT_EXPECT_EQ_MSG(test, inflight->warned, vma_attr_warned(),
				    "the kernel has complained, see its log");
}

static struct kunit_case inflight_cases[] = {
	KUNIT_CASE(still_permits_unsealed),
	KUNIT_CASE(still_permits_same_pages),
	KUNIT_CASE(still_permits_moved),
	KUNIT_CASE_PARAM(still_permits_sealed, seals_gen_params),
	KUNIT_CASE_PARAM(mseal_waits_for_hole, holes_gen_params),
	KUNIT_CASE_PARAM(mseal_waits_by_flags, seals_gen_params),
	KUNIT_CASE(mseal_failed_waits_for_nothing),
	KUNIT_CASE(mseal_waits_for_older_holes),
	KUNIT_CASE_PARAM(mseal_waits_for_both_holes, orders_gen_params),
	KUNIT_CASE(mseal_twice_waits_for_hole),
	KUNIT_CASE(mseal_killed),
	KUNIT_CASE_PARAM(mseal_waits_for_truncation, truncated_gen_params),
	KUNIT_CASE_PARAM(mseal_flushes, seals_gen_params),
	KUNIT_CASE_PARAM(mseal_flushes_only_pending, seals_gen_params),
	KUNIT_CASE_PARAM(mseal_flushes_for_reclaim, seals_gen_params),
	{}
};

static struct kunit_suite inflight_suite = {
	.name = "vma_attr_inflight",
	.init = inflight_init,
	.exit = inflight_exit,
	.test_cases = inflight_cases,
};

kunit_test_suite(inflight_suite);

MODULE_DESCRIPTION("KUnit tests of the VMA attribute lock against operations under way");
MODULE_LICENSE("GPL");
