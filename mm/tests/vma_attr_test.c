// SPDX-License-Identifier: GPL-2.0-only
/*
 * An address space that is checked against the reference model, see
 * vma_attr_test.h.
 */

#include <kunit/mm_syscall.h>
#include <linux/debug_locks.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/panic.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <linux/vma_attr.h>

#include "../internal.h"
#include "vma_attr_test.h"

#define syscall		kunit_mm_syscall

/*
 * What the kernel has complained about so far. A warning, a broken tree or
 * a locking mistake does not fail a test by itself.
 */
unsigned long vma_attr_warned(void)
{
	unsigned long warned = test_taint(TAINT_WARN) || test_taint(TAINT_BAD_PAGE);

	if (!debug_locks)
		warned |= BIT(1);
#ifdef CONFIG_DEBUG_MAPLE_TREE
	warned |= (unsigned long)(atomic_read(&maple_tree_tests_run) -
				  atomic_read(&maple_tree_tests_passed)) << 2;
#endif
	return warned;
}

/**
 * vma_attr_checked_init() - Begin with an empty address space
 * @test: the test; its priv becomes the address space, which ends with it
 *
 * To be used as the init function of a suite.
 *
 * Return: 0
 */
int vma_attr_checked_init(struct kunit *test)
{
	struct vma_attr_checked *checked;

	checked = kunit_kzalloc(test, sizeof(*checked), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, checked);
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_area_init(test, &checked->area, MODEL_PAGES,
						    VMA_ATTR_FILE_PAGES));
	checked->warned = vma_attr_warned();
	test->priv = checked;

	return 0;
}

/**
 * vma_attr_checked_exit() - Check that nothing went wrong, and end the mm
 * @test: the test
 * @checked: the address space
 *
 * To be called at the end of each test, which has no mm afterwards. If the mm were
 * left to the end of the thread, it could still be going away while the next test
 * counts memory.
 */
void vma_attr_checked_exit(struct kunit *test, struct vma_attr_checked *checked)
{
	struct mm_struct *mm = current->mm;

	mmap_write_lock(mm);
	validate_mm(mm);
	mmap_write_unlock(mm);
	KUNIT_EXPECT_STREQ(test, kunit_mm_inconsistent(mm) ?: "", "");
	if (!checked->untidy)
		KUNIT_EXPECT_STREQ(test, kunit_mm_unmerged(mm) ?: "", "");
	kthread_unuse_mm(mm);
	mmput(mm);
	KUNIT_EXPECT_EQ_MSG(test, checked->warned, vma_attr_warned(),
			    "the kernel has complained, see its log");
}

/**
 * vma_attr_checked_empty() - Begin again in the same mm
 * @test: the test
 * @checked: the address space
 *
 * Clears the seals first, which only tests may do.
 */
void vma_attr_checked_empty(struct kunit *test, struct vma_attr_checked *checked)
{
	VMA_ITERATOR(vmi, current->mm, checked->area.base);
	const unsigned long end = kunit_mm_page_addr(&checked->area, MODEL_PAGES);
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	mmap_write_lock(mm);
	for_each_vma_range(vmi, vma, end) {
		vma_start_write(vma);
		vm_flags_clear(vma, VM_SEAL_ANY);
	}
	vma_attr_mm_init(mm);
	mmap_write_unlock(mm);

	KUNIT_ASSERT_EQ(test, 0, vm_munmap(checked->area.base, MODEL_PAGES * PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, mm->map_count, 0);
	memset(&checked->model, 0, sizeof(checked->model));
}

/**
 * vma_attr_checked_new_mm() - Begin again in a new mm
 * @test: the test
 * @checked: the address space
 *
 * The old mm ends as that of a process does, with its seals.
 */
void vma_attr_checked_new_mm(struct kunit *test, struct vma_attr_checked *checked)
{
	struct mm_struct *mm = current->mm;

	kthread_unuse_mm(mm);
	mmput(mm);
	KUNIT_ASSERT_EQ(test, 0, kunit_attach_mm());
	memset(&checked->model, 0, sizeof(checked->model));
}

/*
 * The model's constants and the kernel's
 */

static const struct {
	unsigned char model;
	vm_flags_t vm_flag;
	char digit;		/* of the row of a layout */
} seals[] = {
	{ MODEL_MAP,		VM_SEAL_MAP,		0x1 },
	{ MODEL_PROT,		VM_SEAL_PROT,		0x2 },
	{ MODEL_DISCARD_WEAK,	VM_SEAL_DISCARD_WEAK,	0x4 },
	{ MODEL_DISCARD,	VM_SEAL_DISCARD,	0x8 },
};

static const struct {
	unsigned char model;
	vm_flags_t vm_flag;
	char cell;
} flags[] = {
	{ MODEL_DONTDUMP,	VM_DONTDUMP,	'd' },
	{ MODEL_DONTFORK,	VM_DONTCOPY,	'f' },
	{ MODEL_WIPE,		VM_WIPEONFORK,	'k' },
	{ MODEL_ACCOUNT,	VM_ACCOUNT,	0 },
};

static const struct {
	const char *name;
	int advice;
} op_types[NR_MODEL_OPS] = {
	[MODEL_MSEAL]			= { "mseal" },
	[MODEL_MPROTECT]		= { "mprotect" },
	[MODEL_MUNMAP]			= { "munmap" },
	[MODEL_MMAP]			= { "mmap over" },
	[MODEL_MMAP_NOREPLACE]		= { "mmap beside" },
	[MODEL_MREMAP_RESIZE]		= { "mremap in place" },
	[MODEL_MREMAP_MOVE]		= { "mremap elsewhere" },
	[MODEL_MREMAP_DONTUNMAP]	= { "mremap dontunmap" },
	[MODEL_DONTNEED]		= { "dontneed", MADV_DONTNEED },
	[MODEL_FREE]			= { "free", MADV_FREE },
	[MODEL_REMOVE]			= { "remove", MADV_REMOVE },
	[MODEL_GUARD_REMOVE]		= { "guard remove", MADV_GUARD_REMOVE },
	[MODEL_MADV_DONTDUMP]		= { "dontdump", MADV_DONTDUMP },
	[MODEL_MADV_DODUMP]		= { "dodump", MADV_DODUMP },
	[MODEL_MADV_DONTFORK]		= { "dontfork", MADV_DONTFORK },
	[MODEL_MADV_DOFORK]		= { "dofork", MADV_DOFORK },
	[MODEL_MADV_WIPEONFORK]		= { "wipeonfork", MADV_WIPEONFORK },
	[MODEL_MADV_KEEPONFORK]		= { "keeponfork", MADV_KEEPONFORK },
};

static const char *const backing_names[NR_MODEL_BACKINGS] = {
	[MODEL_ANON] = "anon", [MODEL_PRIVATE] = "private", [MODEL_SHARED] = "shared",
};

/**
 * vma_attr_kernel_do() - Carry out an operation in the kernel
 * @area: the area
 * @op: the operation
 *
 * Return: 0, the error of the system call, or 1 if it returned a wrong address.
 */
long vma_attr_kernel_do(const struct kunit_mm_area *area, const struct model_op *op)
{
	const unsigned long addr = kunit_mm_page_addr(area, op->first);
	const unsigned long dst = kunit_mm_page_addr(area, op->dst);
	const unsigned long new_len = op->new_pages * PAGE_SIZE;
	const unsigned long len = (op->end - op->first) * PAGE_SIZE;
	unsigned long map_flags = MAP_FIXED, wanted;
	long ret;

	switch (op->type) {
	case MODEL_MSEAL:
		return kunit_mm_syscall(mseal, addr, len, op->arg);
	case MODEL_MPROTECT:
		return syscall(mprotect, addr, len, op->arg);
	case MODEL_MUNMAP:
		return syscall(munmap, addr, len);
	case MODEL_MMAP_NOREPLACE:
		map_flags = MAP_FIXED_NOREPLACE;
		fallthrough;
	case MODEL_MMAP:
		map_flags |= op->backing == MODEL_SHARED ? MAP_SHARED : MAP_PRIVATE;
		if (op->backing == MODEL_ANON)
			map_flags |= MAP_ANONYMOUS;
		wanted = addr;
		ret = vm_mmap(op->backing == MODEL_ANON ? NULL : area->file,
			      addr, len, op->arg, map_flags, op->pgoff * PAGE_SIZE);
		break;
	case MODEL_MREMAP_RESIZE:
		wanted = addr;
		ret = syscall(mremap, addr, len, new_len, 0, 0);
		break;
	case MODEL_MREMAP_MOVE:
		wanted = dst;
		ret = syscall(mremap, addr, len, new_len,
			      MREMAP_MAYMOVE | MREMAP_FIXED, dst);
		break;
	case MODEL_MREMAP_DONTUNMAP:
		wanted = dst;
		ret = syscall(mremap, addr, len, new_len,
			      MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, dst);
		break;
	default:
		return syscall(madvise, addr, len, op_types[op->type].advice);
	}

	if (ret == wanted)
		return 0;
	return IS_ERR_VALUE(ret) ? ret : 1;
}

static const char *compare_page(struct vm_area_struct *vma, unsigned long addr,
				const struct model_page *page,
				const struct vma_attr_checked *checked)
{
	const struct file *file = page->backing == MODEL_ANON ? NULL : checked->area.file;
	const unsigned long pgoff = linear_page_index(vma, addr);
	const bool shared = page->backing == MODEL_SHARED;
	vm_flags_t want = 0;
	int i;

	if ((vma->vm_flags & VM_ACCESS_FLAGS) != page->prot)
		return "a page has another protection";
	if (!(vma->vm_flags & VM_MAYSHARE) == shared ||
	    vma->vm_file != file || (file && pgoff != page->pgoff))
		return "a page maps something else";

	for (i = 0; i < ARRAY_SIZE(seals); i++)
		want |= page->seals & seals[i].model ? seals[i].vm_flag : 0;
	if ((vma->vm_flags & VM_SEAL_ANY) != want)
		return "a page has other seals";

	want = 0;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		/* Touched pages stay charged; the model does not know this. */
		if (checked->touch && flags[i].model == MODEL_ACCOUNT)
			continue;
		want |= page->flags & flags[i].model ? flags[i].vm_flag : 0;
		want ^= vma->vm_flags & flags[i].vm_flag;
	}
	return want ? "a page has other flags" : NULL;
}

/*
 * If pages were touched, there may be two VMAs where the model has one:
 * kunit_mm_unmerged() finds those that have no reason to be separate.
 */
static const char *compare_vma(struct vm_area_struct *vma,
			       const struct vma_attr_checked *checked,
			       const struct model *model, unsigned int *page)
{
	const unsigned int first = (vma->vm_start - checked->area.base) / PAGE_SIZE;
	const unsigned int end = (vma->vm_end - checked->area.base) / PAGE_SIZE;
	const char *what;

	if (end > MODEL_PAGES)
		return "a VMA extends beyond the area";
	if (*page < first)
		return "a page is not mapped";
	if (*page > first)
		return "a page is mapped";

	for (; *page < end; ++*page) {
		if (!model->page[*page].mapped)
			return "a page is mapped";
		what = compare_page(vma, kunit_mm_page_addr(&checked->area, *page),
				    &model->page[*page], checked);
		if (what)
			return what;
		if (*page > first && !model_joined(model, *page))
			return "a border is missing";
	}
	if (!checked->touch && !checked->untidy &&
	    (model_joined(model, first) || model_joined(model, end)))
		return "there is a border too many";
	return NULL;
}

/**
 * vma_attr_checked_compare() - Does an mm agree with the model?
 * @mm: the mm
 * @checked: the address space, for its area in @mm
 * @model: the model
 *
 * Return: NULL if it does, or a text that says what differs.
 */
const char *vma_attr_checked_compare(struct mm_struct *mm,
				     const struct vma_attr_checked *checked,
				     const struct model *model)
{
	VMA_ITERATOR(vmi, mm, 0);
	const char *what = NULL;
	struct vm_area_struct *vma;
	unsigned int page = 0;

	mmap_read_lock(mm);
	for_each_vma(vmi, vma) {
		while (page < MODEL_PAGES && !model->page[page].mapped)
			page++;
		what = compare_vma(vma, checked, model, &page);
		if (what)
			break;
	}
	while (!what && page < MODEL_PAGES) {
		if (model->page[page++].mapped)
			what = "a page is not mapped";
	}
	mmap_read_unlock(mm);

	what = what ?: kunit_mm_inconsistent(mm);
	return what || checked->untidy ? what : kunit_mm_unmerged(mm);
}

/**
 * vma_attr_checked_do() - Carry out an operation in the kernel and in the model
 * @checked: the address space
 * @op: the operation
 *
 * Only the return values are compared, not the results.
 *
 * Return: NULL if both return the same, or a text that says that they do not.
 */
const char *vma_attr_checked_do(struct vma_attr_checked *checked,
				const struct model_op *op)
{
	unsigned int i;

	checked->model_before = checked->model;
	checked->want = model_apply(&checked->model, op);
	if (checked->want == MODEL_NO_ANSWER) {
		checked->have = MODEL_NO_ANSWER;
		return NULL;
	}
	checked->have = vma_attr_kernel_do(&checked->area, op);
	if (checked->have != checked->want)
		return "it returned something else";

	if (op->type != MODEL_MMAP || checked->want || !checked->touch ||
	    op->backing == MODEL_SHARED || !(op->arg & MODEL_WRITE))
		return NULL;
	for (i = op->first; i < op->end; i++) {
		if (put_user(1, (u8 __user *)kunit_mm_page_addr(&checked->area, i)))
			return "a page cannot be written to";
	}
	return NULL;
}

/**
 * vma_attr_checked_step() - vma_attr_checked_do(), and compare the results
 * @checked: the address space
 * @op: the operation
 *
 * Also checks that a refused operation has changed nothing.
 *
 * Return: NULL if kernel and model agree, or a text that says what differs.
 */
const char *vma_attr_checked_step(struct vma_attr_checked *checked,
				  const struct model_op *op)
{
	const char *what;

	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, &checked->before);
	what = vma_attr_checked_do(checked, op);
	if (what || checked->have == MODEL_NO_ANSWER)
		return what;

	what = vma_attr_checked_compare(current->mm, checked, &checked->model);
	if (what || !checked->want ||
	    memcmp(&checked->model, &checked->model_before, sizeof(checked->model)))
		return what;

	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, &checked->after);
	return kunit_mm_snapshot_same(&checked->before, &checked->after) ?
		NULL : "it was refused, and has changed something";
}

/**
 * vma_attr_checked_fork() - Fork, and compare the child
 * @test: the test
 * @checked: the address space; the child has all of it except MADV_DONTFORK pages
 *
 * Return: NULL if the child is as expected, or a text that says what differs.
 */
const char *vma_attr_checked_fork(struct kunit *test, struct vma_attr_checked *checked)
{
	struct model model = checked->model;
	struct mm_struct *child;
	const char *what;
	unsigned int i;

	for (i = 0; i < MODEL_PAGES; i++) {
		if (model.page[i].flags & MODEL_DONTFORK)
			memset(&model.page[i], 0, sizeof(model.page[i]));
	}

	child = mm_alloc();
	KUNIT_ASSERT_NOT_NULL(test, child);
	what = dup_mmap(child, current->mm) ?
		"fork failed" : vma_attr_checked_compare(child, checked, &model);
	mmput(child);

	return what;
}

/*
 * Output
 */

/**
 * vma_attr_op_name() - The name of a type of operation
 * @type: the type
 *
 * Return: the name, for messages.
 */
const char *vma_attr_op_name(enum model_op_type type)
{
	return op_types[type].name;
}

/**
 * vma_attr_print_op() - Print an operation to the log of a test
 * @test: the test
 * @op: the operation
 */
void vma_attr_print_op(struct kunit *test, const struct model_op *op)
{
	const char *name = op_types[op->type].name;

	switch (op->type) {
	case MODEL_MSEAL:
		kunit_err(test, "  %s pages [%u, %u), flags %u\n", name, op->first,
			  op->end, op->arg);
		break;
	case MODEL_MPROTECT:
		kunit_err(test, "  %s pages [%u, %u), prot %u\n", name, op->first,
			  op->end, op->arg);
		break;
	case MODEL_MMAP:
	case MODEL_MMAP_NOREPLACE:
		kunit_err(test, "  %s pages [%u, %u), prot %u, %s, pgoff %u\n", name,
			  op->first, op->end, op->arg, backing_names[op->backing],
			  op->pgoff);
		break;
	case MODEL_MREMAP_RESIZE:
		kunit_err(test, "  %s pages [%u, %u), to %u pages\n", name, op->first,
			  op->end, op->new_pages);
		break;
	case MODEL_MREMAP_MOVE:
	case MODEL_MREMAP_DONTUNMAP:
		kunit_err(test, "  %s pages [%u, %u), to %u pages from %u on\n", name,
			  op->first, op->end, op->new_pages, op->dst);
		break;
	default:
		kunit_err(test, "  %s pages [%u, %u)\n", name, op->first, op->end);
	}
}

static void model_page_cells(const struct model_page *page, bool touch,
			     struct kunit_mm_layout *layout, unsigned int nr)
{
	unsigned int i, sum = 0;
	char flag = '.';

	for (i = 0; i < ARRAY_SIZE(seals); i++)
		sum |= page->seals & seals[i].model ? seals[i].digit : 0;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		if ((page->flags & flags[i].model) && flags[i].cell)
			flag = flag == '.' ? flags[i].cell : '?';
	}

	layout->cell[KUNIT_MM_PROT][nr] = "-r?w?x?X"[page->prot];
	layout->cell[KUNIT_MM_BACK][nr] = (touch ? "APs" : "aps")[page->backing];
	layout->cell[KUNIT_MM_SEAL][nr] = ".123456789abcdef"[sum];
	layout->cell[KUNIT_MM_FLAG][nr] = flag;
}

/**
 * vma_attr_model_layout() - The layout of the model
 * @model: the model
 * @touch: private pages have an anon_vma
 * @layout: the result
 */
void vma_attr_model_layout(const struct model *model, bool touch,
			   struct kunit_mm_layout *layout)
{
	unsigned int page;

	memset(layout, 0, sizeof(*layout));
	memset(layout->cell, ' ', sizeof(layout->cell));
	layout->rows = BIT(KUNIT_MM_ROWS) - 1;
	for (page = 0; page < MODEL_PAGES; page++) {
		if (!model->page[page].mapped)
			continue;
		model_page_cells(&model->page[page], touch, layout, page);
		if (!model_joined(model, page))
			layout->border[page] = true;
		if (!model_joined(model, page + 1))
			layout->border[page + 1] = true;
		layout->pages = page + 1;
	}
}

/**
 * vma_attr_checked_print() - Print the last operation and its result
 * @test: the test
 * @checked: the address space
 * @op: the operation, or NULL
 * @what: what is wrong
 */
void vma_attr_checked_print(struct kunit *test, struct vma_attr_checked *checked,
			    const struct model_op *op, const char *what)
{
	struct kunit_mm_layout *layout;

	kunit_err(test, "%s:\n", what);
	if (op) {
		vma_attr_print_op(test, op);
		kunit_err(test, "  returned %ld, expected %d\n", checked->have,
			  checked->want);
	}

	layout = kunit_kmalloc(test, sizeof(*layout), GFP_KERNEL);
	if (!layout)
		return;
	vma_attr_model_layout(&checked->model_before, checked->touch, layout);
	kunit_mm_layout_print(test, "Before:", layout);
	vma_attr_model_layout(&checked->model, checked->touch, layout);
	kunit_mm_layout_print(test, "Expected after:", layout);
	kunit_mm_layout_read(current->mm, &checked->area, BIT(KUNIT_MM_ROWS) - 1, layout);
	kunit_mm_layout_print(test, "Found after:", layout);
	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, &checked->after);
	kunit_mm_snapshot_print(test, "In full, before:", &checked->before);
	kunit_mm_snapshot_print(test, "In full, after:", &checked->after);
	kunit_kfree(test, layout);
}

/*
 * Arrangements
 */

const struct vma_attr_backing vma_attr_backings[NR_VMA_ATTR_BACKINGS] = {
	{ "anon",			MODEL_ANON,	false },
	{ "anon with anon_vma",		MODEL_ANON,	true },
	{ "private file",		MODEL_PRIVATE,	true },
	{ "shared file",		MODEL_SHARED,	true },
};

/**
 * vma_attr_arrangement() - Get the arrangement of a number
 * @nr: the number, below VMA_ATTR_ARRANGEMENTS
 * @arr: the result
 *
 * Return: false if another number stands for the same one.
 */
bool vma_attr_arrangement(unsigned int nr, struct vma_attr_arrangement *arr)
{
	unsigned int i;

	arr->ro = nr & 1;
	nr /= 2;
	for (i = 0; i < VMA_ATTR_NEIGHBOURS; i++) {
		arr->state[i] = nr % NR_VMA_ATTR_STATES;
		nr /= NR_VMA_ATTR_STATES;
	}

	return !arr->ro || arr->state[1] != VMA_ATTR_HOLE;
}

/**
 * vma_attr_arrangement_basic() - Does an arrangement have one seal at a time?
 * @arr: the arrangement
 *
 * For slow tests. These arrangements have each seal on each side of a border.
 *
 * Return: true if no neighbour is sealed with several flags.
 */
bool vma_attr_arrangement_basic(const struct vma_attr_arrangement *arr)
{
	unsigned int i;

	for (i = 0; i < VMA_ATTR_NEIGHBOURS; i++) {
		switch (arr->state[i]) {
		case 0:
		case MODEL_MAP:
		case MODEL_PROT:
		case MODEL_DISCARD:
		case VMA_ATTR_UNSEALED:
		case VMA_ATTR_HOLE:
			continue;
		default:
			return false;
		}
	}
	return true;
}

/**
 * vma_attr_arrange() - Map and seal an arrangement
 * @test: the test
 * @checked: the address space; emptied first
 * @arr: the arrangement
 * @backing: what to map
 */
void vma_attr_arrange(struct kunit *test, struct vma_attr_checked *checked,
		      const struct vma_attr_arrangement *arr,
		      enum model_backing backing)
{
	struct model_op op = {
		.type = MODEL_MMAP, .first = VMA_ATTR_FIRST, .arg = VMA_ATTR_RW,
		.end = VMA_ATTR_FIRST + 2 * VMA_ATTR_NEIGHBOURS,
		.backing = backing, .pgoff = VMA_ATTR_FIRST,
	};
	unsigned int i;

	vma_attr_checked_empty(test, checked);
	KUNIT_ASSERT_PTR_EQ(test, NULL, vma_attr_checked_do(checked, &op));
	if (arr->ro) {
		op = (struct model_op) {
			.type = MODEL_MPROTECT, .first = VMA_ATTR_FIRST + 2,
			.end = VMA_ATTR_FIRST + 4, .arg = MODEL_READ,
		};
		KUNIT_ASSERT_PTR_EQ(test, NULL, vma_attr_checked_do(checked, &op));
	}
	for (i = 0; i < VMA_ATTR_NEIGHBOURS; i++) {
		const unsigned int state = arr->state[i];

		if (state == VMA_ATTR_UNSEALED)
			continue;
		op = (struct model_op) {
			.type = state == VMA_ATTR_HOLE ? MODEL_MUNMAP : MODEL_MSEAL,
			.first = VMA_ATTR_FIRST + 2 * i,
			.end = VMA_ATTR_FIRST + 2 * i + 2,
			.arg = state,
		};
		KUNIT_ASSERT_PTR_EQ(test, NULL, vma_attr_checked_do(checked, &op));
	}
	KUNIT_ASSERT_PTR_EQ(test, NULL,
			    vma_attr_checked_compare(current->mm, checked,
						     &checked->model));
}
