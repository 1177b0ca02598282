// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the VMA attribute lock: out of memory, and out of mappings.
 *
 * Each allocation of an operation is made to fail in turn, by the kernel's own
 * fault injection (see Documentation/fault-injection/). mseal() then has sealed the
 * whole range or nothing. After other failures no seal was lost or has spread.
 * Nothing was leaked.
 */

#include <kunit/mm_syscall.h>
#include <kunit/test.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vma_attr.h>

#include "../internal.h"
#include "../slab.h"
#include "../vma_attr_discard.h"
#include "vma_attr_test.h"

/* No operation makes more allocations than this. */
#define MOST_ALLOCATIONS	200

/*
 * Knobs of the fault injection. By default it spares allocations that may sleep,
 * but all allocations here may sleep. These knobs alone make no allocation fail:
 * that needs a task with fail_nth.
 */
static struct {
	const char *dir, *name;
	size_t size;
	unsigned long value, old;
	void *at;
} knobs[] = {
	{ "failslab",		"ignore-gfp-wait",	sizeof(bool),		0 },
	{ "failslab",		"verbose",		sizeof(unsigned long),	0 },
	{ "fail_page_alloc",	"ignore-gfp-wait",	sizeof(bool),		0 },
	{ "fail_page_alloc",	"ignore-gfp-highmem",	sizeof(bool),		0 },
	{ "fail_page_alloc",	"min-order",		sizeof(u32),		0 },
	{ "fail_page_alloc",	"verbose",		sizeof(unsigned long),	0 },
};

static unsigned long knob_swap(void *at, size_t size, unsigned long value)
{
	unsigned long old;

	switch (size) {
	case sizeof(bool):
		old = *(bool *)at;
		*(bool *)at = value;
		break;
	case sizeof(u32):
		old = *(u32 *)at;
		*(u32 *)at = value;
		break;
	default:
		old = *(unsigned long *)at;
		*(unsigned long *)at = value;
	}
	return old;
}

/* The value behind a file of debugfs. */
static void *knob_find(const char *dir_name, const char *name)
{
	struct dentry *dir, *file = NULL;
	void *at = NULL;

	dir = debugfs_lookup(dir_name, NULL);
	if (!IS_ERR_OR_NULL(dir)) {
		file = debugfs_lookup(name, dir);
		dput(dir);
	}
	if (!IS_ERR_OR_NULL(file)) {
		at = d_inode(file)->i_private;
		dput(file);
	}
	return at;
}

static int knobs_turn(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		knobs[i].at = knob_find(knobs[i].dir, knobs[i].name);
	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (knobs[i].at)
			knobs[i].old = knob_swap(knobs[i].at, knobs[i].size,
						 knobs[i].value);
	}
	return 0;
}

static void knobs_turn_back(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (knobs[i].at)
			knob_swap(knobs[i].at, knobs[i].size, knobs[i].old);
	}
}

/* The next @nth allocation of this thread fails; 0 for none. */
static void fail_nth(unsigned int nth)
{
#ifdef CONFIG_FAULT_INJECTION
	WRITE_ONCE(current->fail_nth, nth);
#endif
}

/* Has this allocation failed? */
static bool has_failed(void)
{
#ifdef CONFIG_FAULT_INJECTION
	return !READ_ONCE(current->fail_nth);
#else
	return false;
#endif
}

static void need_fault_injection(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (knobs[i].at)
			continue;
		kunit_skip(test, "no %s in debugfs: FAULT_INJECTION_DEBUG_FS is not set",
			   knobs[i].dir);
	}
}

/*
 * Leaks: count the objects of VMAs while there is no VMA.
 */

static const char *const cache_names[] = {
	"vm_area_struct", "anon_vma", "anon_vma_chain", "maple_node",
};

/**
 * struct census - Counts that show leaks
 * @objects: for each slab cache of cache_names[]; -1 if there is no such cache
 * @files: references to the file
 * @committed: pages of memory promised
 */
struct census {
	long objects[ARRAY_SIZE(cache_names)];
	long files;
	unsigned long committed;
};

static long cache_objects(const char *name)
{
	long objects = -1;
#ifdef CONFIG_SLUB_DEBUG
	struct kmem_cache *s, *found = NULL;
	struct slabinfo info = {};

	mutex_lock(&slab_mutex);
	list_for_each_entry(s, &slab_caches, list) {
		if (!strcmp(s->name, name))
			found = s;
	}
	mutex_unlock(&slab_mutex);
	if (found) {
		/* Free objects that the cache keeps at hand count as used. */
		kmem_cache_shrink(found);
		get_slabinfo(found, &info);
		objects = info.active_objs;
	}
#endif
	return objects;
}

/*
 * Each CPU keeps some free objects at hand, which count as used. A leak is much
 * larger: each failure happens hundreds of times.
 */
#define AT_HAND		64

static void take_census(struct kunit *test, struct vma_attr_checked *checked,
			struct census *census)
{
	unsigned int i;

	vma_attr_checked_empty(test, checked);
	/* A kernel thread's last fput() is deferred, also that of the previous test. */
	flush_delayed_fput();
	/* VMAs and nodes of the tree are freed by RCU, some of them in two steps. */
	rcu_barrier();
	rcu_barrier();
	for (i = 0; i < ARRAY_SIZE(cache_names); i++)
		census->objects[i] = cache_objects(cache_names[i]);
	census->files = file_count(checked->area.file);
	census->committed = vm_memory_committed();
}

static void expect_no_leak(struct kunit *test, const struct census *before,
			   const struct census *after)
{
	unsigned int i, counted = 0;

	for (i = 0; i < ARRAY_SIZE(cache_names); i++) {
		if (before->objects[i] < 0)
			continue;
		counted++;
		KUNIT_EXPECT_LE_MSG(test, after->objects[i] - before->objects[i], AT_HAND,
				    "more objects of %s", cache_names[i]);
	}
	/* anon_vma_chain may share its cache with others of the same size. */
	KUNIT_EXPECT_GE_MSG(test, counted, 3, "slab caches found");
	KUNIT_EXPECT_EQ_MSG(test, before->files, after->files,
			    "references to the file");
	KUNIT_EXPECT_EQ_MSG(test, before->committed, after->committed,
			    "pages of memory committed");
}

/*
 * Allocations that fail
 */

/* The operations with mseal() come first. */
static const struct model_op ops[] = {
#define OP(_type, _first, _end, ...) \
	{ .type = _type, .first = _first, .end = _end, __VA_ARGS__ }
	OP(MODEL_MSEAL, 3, 7, .arg = 0),
	OP(MODEL_MSEAL, 3, 7, .arg = MODEL_MAP),
	OP(MODEL_MSEAL, 3, 7, .arg = MODEL_DISCARD),
	OP(MODEL_MSEAL, 5, 6, .arg = MODEL_MAP | MODEL_PROT),
	OP(MODEL_MSEAL, 2, 8, .arg = MODEL_PROT),
	OP(MODEL_MPROTECT, 3, 7, .arg = MODEL_READ),
	OP(MODEL_MPROTECT, 5, 6, .arg = 0),
	OP(MODEL_MUNMAP, 3, 7),
	OP(MODEL_MUNMAP, 5, 6),
	OP(MODEL_MMAP_NOREPLACE, 0, 2, .arg = VMA_ATTR_RW),
	OP(MODEL_MMAP, 3, 7, .arg = VMA_ATTR_RW, .pgoff = 3),
	OP(MODEL_MREMAP_RESIZE, 4, 6, .new_pages = 1),
	OP(MODEL_MREMAP_RESIZE, 6, 8, .new_pages = 3),
	OP(MODEL_MREMAP_MOVE, 3, 5, .dst = 10, .new_pages = 2),
	OP(MODEL_MREMAP_MOVE, 2, 8, .dst = 10, .new_pages = 6),
	OP(MODEL_MADV_DONTDUMP, 3, 7),
	OP(MODEL_MADV_DONTFORK, 5, 6),
#undef OP
};

/* Each page has its old seals, or those that it should have now. */
static const char *seals_kept(struct kunit *test,
			      const struct vma_attr_checked *checked)
{
	struct kunit_mm_layout *layout, *before, *after, *found;
	const char *what = NULL;
	unsigned int page;

	layout = kunit_kmalloc_array(test, 3, sizeof(*layout), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, layout);
	before = layout;
	after = layout + 1;
	found = layout + 2;
	vma_attr_model_layout(&checked->model_before, checked->touch, before);
	vma_attr_model_layout(&checked->model, checked->touch, after);
	kunit_mm_layout_read(current->mm, &checked->area, BIT(KUNIT_MM_SEAL), found);

	for (page = 0; page < MODEL_PAGES; page++) {
		const char seal = found->cell[KUNIT_MM_SEAL][page];

		/* mremap() may unmap its source or destination and then fail. */
		if (seal == ' ' && !(checked->model_before.page[page].seals & MODEL_MAP))
			continue;
		if (seal != before->cell[KUNIT_MM_SEAL][page] &&
		    seal != after->cell[KUNIT_MM_SEAL][page])
			what = "a seal was lost or has spread";
	}
	kunit_kfree(test, layout);

	return what;
}

/* Check the state after an operation in which an allocation failed. */
static const char *after_failure(struct kunit *test, struct vma_attr_checked *checked,
				 const struct model_op *op)
{
	const char *what;

	/* It succeeded, possibly with a border that should have vanished. */
	if (!checked->have) {
		what = vma_attr_checked_compare(current->mm, checked, &checked->model);
		/* mremap(2) may have moved the pages but failed to split the source. */
		if (!what || op->type != MODEL_MREMAP_MOVE)
			return what;
	} else if (checked->have != (op->type >= MODEL_DONTNEED ? -EAGAIN : -ENOMEM)) {
		/* madvise(2) returns -EAGAIN instead of -ENOMEM. */
		return "it returned something else";
	}
	what = kunit_mm_inconsistent(current->mm);
	if (what)
		return what;
	/* munmap(2) may leave the border of its first split, and nothing else. */
	if (op->type == MODEL_MUNMAP)
		return vma_attr_checked_compare(current->mm, checked,
						&checked->model_before);
	if (op->type != MODEL_MSEAL)
		return seals_kept(test, checked);

	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, &checked->after);
	return kunit_mm_snapshot_same(&checked->before, &checked->after) ?
		NULL : "it ran out of memory, and has changed something";
}

/*
 * Carry out an operation with its nth allocation failing. Returns false if it
 * makes fewer allocations, so that none has failed.
 */
static bool try_failure(struct kunit *test, struct vma_attr_checked *checked,
			const struct model_op *op, unsigned int nth)
{
	const char *what;
	bool failed;

	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, &checked->before);
	checked->model_before = checked->model;
	checked->want = model_apply(&checked->model, op);
	/* A refused operation allocates nothing. */
	if (checked->want)
		return false;

	fail_nth(nth);
	checked->have = vma_attr_kernel_do(&checked->area, op);
	failed = has_failed();
	fail_nth(0);

	if (failed)
		what = after_failure(test, checked, op);
	else if (checked->have)
		what = "it returned something else";
	else
		what = vma_attr_checked_compare(current->mm, checked, &checked->model);
	if (what) {
		kunit_err(test, "allocation %u of %s %s\n", nth,
			  vma_attr_op_name(op->type), failed ? "failed" : "worked");
		vma_attr_checked_print(test, checked, op, what);
		KUNIT_FAIL_AND_ABORT(test, "%s: %s", vma_attr_op_name(op->type), what);
	}
	return failed;
}

/* The number of failed allocations, and how many made the operation fail. */
struct tally {
	unsigned long failures[NR_MODEL_OPS], refused[NR_MODEL_OPS];
};

/*
 * Two operations leak committed memory if an allocation fails, with or without
 * seals: mremap() for a source that it could not split, and mmap() for what it had
 * unmapped to make room.
 */
static bool is_miscounted(enum model_op_type type)
{
	return type == MODEL_MREMAP_MOVE || type == MODEL_MMAP;
}

/* Every allocation of the operations on every arrangement with simple seals. */
static void fail_each_allocation(struct kunit *test, bool miscounted,
				 struct tally *tally)
{
	const struct vma_attr_backing *backing = test->param_value;
	struct vma_attr_checked *checked = test->priv;
	struct vma_attr_arrangement arr;
	struct census before, after;
	unsigned int nr, i, nth;
	struct model_op op;

	take_census(test, checked, &before);
	for (nr = 0; nr < VMA_ATTR_ARRANGEMENTS; nr++) {
		if (!vma_attr_arrangement(nr, &arr) ||
		    !vma_attr_arrangement_basic(&arr))
			continue;
		for (i = 0; i < ARRAY_SIZE(ops); i++) {
			op = ops[i];
			op.backing = backing->backing;
			if (is_miscounted(op.type) != miscounted)
				continue;
			for (nth = 1; nth <= MOST_ALLOCATIONS; nth++) {
				vma_attr_arrange(test, checked, &arr, backing->backing);
				if (!try_failure(test, checked, &op, nth))
					break;
				tally->failures[op.type]++;
				tally->refused[op.type] += !!checked->have;
			}
			KUNIT_ASSERT_LE(test, nth, MOST_ALLOCATIONS);
		}
	}
	take_census(test, checked, &after);
	if (miscounted)
		after.committed = before.committed;
	expect_no_leak(test, &before, &after);
}

static void allocations_fail(struct kunit *test)
{
	const struct vma_attr_backing *backing = test->param_value;
	struct vma_attr_checked *checked = test->priv;
	struct tally tally = {};
	unsigned int i;

	need_fault_injection(test);
	checked->touch = backing->touch;
	checked->untidy = true;
	fail_each_allocation(test, /* miscounted= */ false, &tally);
	fail_each_allocation(test, /* miscounted= */ true, &tally);

	for (i = 0; i < NR_MODEL_OPS; i++) {
		if (tally.failures[i])
			kunit_info(test, "%16s: %5lu allocations failed, %5lu times for good\n",
				   vma_attr_op_name(i), tally.failures[i],
				   tally.refused[i]);
	}
	KUNIT_EXPECT_GT(test, tally.refused[MODEL_MSEAL], 0);
	KUNIT_EXPECT_GT(test, tally.refused[MODEL_MPROTECT], 0);
	KUNIT_EXPECT_GT(test, tally.refused[MODEL_MUNMAP], 0);
	/* A failed merge does not fail the operation. */
	KUNIT_EXPECT_GT(test, tally.failures[MODEL_MSEAL],
			tally.refused[MODEL_MSEAL]);
	vma_attr_checked_exit(test, checked);
}

/*
 * A hole is being punched in what mseal() is about to seal, and there is no memory
 * for the node with which it would wait. It makes this allocation first, and no
 * other one: a whole VMA is sealed.
 */
static void waiting_fails(struct kunit *test)
{
	struct vma_attr_checked *checked = test->priv;
	struct file *file = checked->area.file;
	struct mm_struct *mm = current->mm;
	struct vma_attr_punch punch;
	unsigned long addr;
	bool failed;
	long ret;

	need_fault_injection(test);
	KUNIT_ASSERT_MM_BUILD(test, &checked->area, "prot |rrrr|\nback |ssss|");
	addr = kunit_mm_page_addr(&checked->area, 0);
	mmap_read_lock(mm);
	vma_attr_punch_begin(&punch, mm, file, 0, PAGE_SIZE);
	mmap_read_unlock(mm);

	fail_nth(1);
	ret = kunit_mm_syscall(mseal, addr, 4 * PAGE_SIZE, MSEAL_DISCARD);
	failed = has_failed();
	fail_nth(0);
	KUNIT_EXPECT_TRUE(test, failed);
	KUNIT_EXPECT_EQ(test, -ENOMEM, ret);
	KUNIT_EXPECT_MM_LAYOUT(test, &checked->area, "seal |....|");
	KUNIT_EXPECT_FALSE(test, vma_attr_mm_sealed(mm));
	KUNIT_EXPECT_TRUE(test, list_empty(&punch.waits));

	/* What does not wait needs no memory: other flags, or no hole in this mm. */
	fail_nth(1);
	ret = kunit_mm_syscall(mseal, addr, 4 * PAGE_SIZE, MSEAL_MAP);
	failed = has_failed();
	fail_nth(0);
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_MM_LAYOUT(test, &checked->area, "seal |1111|");
	vma_attr_punch_end(&punch);

	fail_nth(1);
	ret = kunit_mm_syscall(mseal, addr, 4 * PAGE_SIZE, MSEAL_DISCARD);
	failed = has_failed();
	fail_nth(0);
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_MM_LAYOUT(test, &checked->area, "seal |dddd|");
	vma_attr_checked_exit(test, checked);
}

/*
 * vm.max_map_count
 */

/* mseal() with room for @room more mappings. Returns false if it is refused. */
static bool try_room(struct kunit *test, struct vma_attr_checked *checked,
		     const struct model_op *op, unsigned int room)
{
	const int old_max = sysctl_max_map_count;
	const char *what;
	bool enough;

	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, &checked->before);
	checked->model_before = checked->model;
	checked->want = model_apply(&checked->model, op);
	enough = checked->want || model_mseal_splits(&checked->model_before, op) <= room;
	if (!enough) {
		checked->model = checked->model_before;
		checked->want = -ENOMEM;
	}

	WRITE_ONCE(sysctl_max_map_count, current->mm->map_count + room);
	checked->have = vma_attr_kernel_do(&checked->area, op);
	WRITE_ONCE(sysctl_max_map_count, old_max);

	what = checked->have != checked->want ? "it returned something else" :
		vma_attr_checked_compare(current->mm, checked, &checked->model);
	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, &checked->after);
	if (!what && checked->want &&
	    !kunit_mm_snapshot_same(&checked->before, &checked->after))
		what = "it was refused, and has changed something";
	if (what) {
		vma_attr_checked_print(test, checked, op, what);
		KUNIT_FAIL_AND_ABORT(test, "room for %u: %s", room, what);
	}
	return enough;
}

/* At vm.max_map_count mseal() seals the whole range, or fails and seals nothing. */
static void mappings_run_out(struct kunit *test)
{
	const struct vma_attr_backing *backing = test->param_value;
	struct vma_attr_checked *checked = test->priv;
	unsigned int nr, i, room, refused = 0;
	struct vma_attr_arrangement arr;

	checked->touch = backing->touch;
	for (nr = 0; nr < VMA_ATTR_ARRANGEMENTS; nr++) {
		if (!vma_attr_arrangement(nr, &arr) ||
		    !vma_attr_arrangement_basic(&arr))
			continue;
		for (i = 0; i < ARRAY_SIZE(ops) && ops[i].type == MODEL_MSEAL; i++) {
			for (room = 0; room <= 2; room++) {
				vma_attr_arrange(test, checked, &arr, backing->backing);
				refused += !try_room(test, checked, &ops[i], room);
			}
		}
	}
	kunit_info(test, "%u refused\n", refused);
	KUNIT_EXPECT_GT(test, refused, 0);
	vma_attr_checked_exit(test, checked);
}

KUNIT_ARRAY_PARAM_DESC(backings, vma_attr_backings, name);

static struct kunit_case vma_attr_fault_cases[] = {
	KUNIT_CASE_PARAM_ATTR(allocations_fail, backings_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(waiting_fails),
	KUNIT_CASE_PARAM(mappings_run_out, backings_gen_params),
	{}
};

static struct kunit_suite vma_attr_fault_suite = {
	.name = "vma_attr_fault",
	.suite_init = knobs_turn,
	.suite_exit = knobs_turn_back,
	.init = vma_attr_checked_init,
	.test_cases = vma_attr_fault_cases,
};

kunit_test_suite(vma_attr_fault_suite);

MODULE_DESCRIPTION("KUnit tests of the VMA attribute lock without memory");
MODULE_LICENSE("GPL");
