// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the VMA attribute lock: which VMAs merge, which are split, and
 * which seals each piece has then.
 *
 * There are three neighbours, each sealed with any set of flags, unsealed or
 * missing, and one operation on them. These are few enough to try all of them. The
 * expectations come from the reference model in vma_attr_model.h, which has pages
 * and no VMAs.
 */

#include <kunit/mm_syscall.h>
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>

#include "../internal.h"
#include "vma_attr_test.h"

#define syscall		kunit_mm_syscall

/*
 * Operations
 */

enum kind {
	KIND_MSEAL,
	KIND_MPROTECT,
	KIND_MUNMAP,
	KIND_MMAP,
	KIND_MREMAP,
	KIND_MREMAP_ELSEWHERE,
	KIND_DISCARD,
	KIND_MADVISE,
	NR_KINDS,
};

static const char *const kind_names[] = {
	"mseal", "mprotect", "munmap", "mmap", "mremap in place",
	"mremap elsewhere", "discard", "madvise flags",
};

/* The neighbours are pages 2 to 4, 4 to 6 and 6 to 8. */
static const struct {
	enum kind kind;
	struct model_op op;
} ops[] = {
#define OP(_kind, _type, _first, _end, ...) \
	{ _kind, { .type = _type, .first = _first, .end = _end, __VA_ARGS__ } }
	/* Each set of flags, over a border on either side. */
	OP(KIND_MSEAL, MODEL_MSEAL, 3, 7, .arg = 0),
	OP(KIND_MSEAL, MODEL_MSEAL, 3, 7, .arg = 1),
	OP(KIND_MSEAL, MODEL_MSEAL, 3, 7, .arg = 2),
	OP(KIND_MSEAL, MODEL_MSEAL, 3, 7, .arg = 3),
	OP(KIND_MSEAL, MODEL_MSEAL, 3, 7, .arg = 4),
	OP(KIND_MSEAL, MODEL_MSEAL, 3, 7, .arg = 5),
	OP(KIND_MSEAL, MODEL_MSEAL, 3, 7, .arg = 6),
	OP(KIND_MSEAL, MODEL_MSEAL, 3, 7, .arg = 7),
	/* One neighbour, a part of one, all of them. */
	OP(KIND_MSEAL, MODEL_MSEAL, 4, 6, .arg = 0),
	OP(KIND_MSEAL, MODEL_MSEAL, 4, 6, .arg = 5),
	OP(KIND_MSEAL, MODEL_MSEAL, 5, 6, .arg = 3),
	OP(KIND_MSEAL, MODEL_MSEAL, 2, 8, .arg = 0),
	OP(KIND_MSEAL, MODEL_MSEAL, 2, 8, .arg = 6),

	OP(KIND_MPROTECT, MODEL_MPROTECT, 3, 7, .arg = MODEL_READ),
	OP(KIND_MPROTECT, MODEL_MPROTECT, 4, 6, .arg = MODEL_READ),
	OP(KIND_MPROTECT, MODEL_MPROTECT, 2, 8, .arg = MODEL_READ),
	OP(KIND_MPROTECT, MODEL_MPROTECT, 4, 5, .arg = MODEL_READ),
	OP(KIND_MPROTECT, MODEL_MPROTECT, 3, 7, .arg = VMA_ATTR_RW),

	OP(KIND_MUNMAP, MODEL_MUNMAP, 3, 7),
	OP(KIND_MUNMAP, MODEL_MUNMAP, 4, 6),
	OP(KIND_MUNMAP, MODEL_MUNMAP, 5, 6),
	OP(KIND_MUNMAP, MODEL_MUNMAP, 0, 8),

	/* Beside them, in the hole if there is one, over them. */
	OP(KIND_MMAP, MODEL_MMAP_NOREPLACE, 0, 2, .arg = VMA_ATTR_RW),
	OP(KIND_MMAP, MODEL_MMAP_NOREPLACE, 8, 10, .arg = VMA_ATTR_RW, .pgoff = 8),
	OP(KIND_MMAP, MODEL_MMAP_NOREPLACE, 4, 6, .arg = VMA_ATTR_RW, .pgoff = 4),
	OP(KIND_MMAP, MODEL_MMAP, 4, 6, .arg = VMA_ATTR_RW, .pgoff = 4),
	OP(KIND_MMAP, MODEL_MMAP, 3, 7, .arg = VMA_ATTR_RW, .pgoff = 3),

	OP(KIND_MREMAP, MODEL_MREMAP_RESIZE, 4, 6, .new_pages = 1),
	OP(KIND_MREMAP, MODEL_MREMAP_RESIZE, 2, 8, .new_pages = 5),
	OP(KIND_MREMAP, MODEL_MREMAP_RESIZE, 4, 6, .new_pages = 3),
	OP(KIND_MREMAP, MODEL_MREMAP_RESIZE, 6, 8, .new_pages = 3),
	OP(KIND_MREMAP, MODEL_MREMAP_RESIZE, 4, 6, .new_pages = 2),

	OP(KIND_MREMAP_ELSEWHERE, MODEL_MREMAP_MOVE, 4, 6, .dst = 10, .new_pages = 2),
	OP(KIND_MREMAP_ELSEWHERE, MODEL_MREMAP_MOVE, 2, 8, .dst = 10, .new_pages = 6),
	OP(KIND_MREMAP_ELSEWHERE, MODEL_MREMAP_MOVE, 2, 4, .dst = 8, .new_pages = 2),
	OP(KIND_MREMAP_ELSEWHERE, MODEL_MREMAP_MOVE, 2, 4, .dst = 6, .new_pages = 2),
	OP(KIND_MREMAP_ELSEWHERE, MODEL_MREMAP_MOVE, 4, 6, .dst = 10, .new_pages = 1),
	OP(KIND_MREMAP_ELSEWHERE, MODEL_MREMAP_MOVE, 4, 6, .dst = 10, .new_pages = 3),
	OP(KIND_MREMAP_ELSEWHERE, MODEL_MREMAP_DONTUNMAP, 4, 6, .dst = 10,
	   .new_pages = 2),

	OP(KIND_DISCARD, MODEL_DONTNEED, 3, 7),
	OP(KIND_DISCARD, MODEL_FREE, 3, 7),
	OP(KIND_DISCARD, MODEL_REMOVE, 3, 7),
	OP(KIND_DISCARD, MODEL_GUARD_REMOVE, 3, 7),

	OP(KIND_MADVISE, MODEL_MADV_DONTDUMP, 3, 7),
	OP(KIND_MADVISE, MODEL_MADV_DONTDUMP, 4, 6),
	OP(KIND_MADVISE, MODEL_MADV_DONTFORK, 3, 7),
	OP(KIND_MADVISE, MODEL_MADV_DONTFORK, 4, 6),
	OP(KIND_MADVISE, MODEL_MADV_DOFORK, 3, 7),
	OP(KIND_MADVISE, MODEL_MADV_WIPEONFORK, 3, 7),
	OP(KIND_MADVISE, MODEL_MADV_KEEPONFORK, 3, 7),
#undef OP
};

/* Each kind with each backing; the parameter is a number. */
static const void *kinds_gen_params(struct kunit *test, const void *prev, char *desc)
{
	const unsigned long nr = (unsigned long)prev;

	if (nr == NR_KINDS * NR_VMA_ATTR_BACKINGS)
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %s",
		 kind_names[nr / NR_VMA_ATTR_BACKINGS],
		 vma_attr_backings[nr % NR_VMA_ATTR_BACKINGS].name);
	return (void *)(nr + 1);
}

KUNIT_ARRAY_PARAM_DESC(backings, vma_attr_backings, name);

/* On failure, prints how it failed and returns false. */
static bool try_op(struct kunit *test, struct vma_attr_checked *checked,
		   struct model_op op, enum model_backing backing)
{
	const char *what;

	op.backing = backing;
	what = vma_attr_checked_step(checked, &op);
	if (!what)
		return true;

	vma_attr_checked_print(test, checked, &op, what);
	KUNIT_FAIL(test, "%s: %s", vma_attr_op_name(op.type), what);
	return false;
}

/* Every operation of a kind on every arrangement. */
static void merge_and_split(struct kunit *test)
{
	const unsigned long param = (unsigned long)test->param_value - 1;
	const enum kind kind = param / NR_VMA_ATTR_BACKINGS;
	const int back = param % NR_VMA_ATTR_BACKINGS;
	const enum model_backing backing = vma_attr_backings[back].backing;
	struct vma_attr_checked *checked = test->priv;
	unsigned int nr, i, worked = 0, refused = 0;
	struct vma_attr_arrangement arr;

	checked->touch = vma_attr_backings[back].touch;
	for (nr = 0; nr < VMA_ATTR_ARRANGEMENTS; nr++) {
		bool arranged = false;

		if (!vma_attr_arrangement(nr, &arr) ||
		    (arr.ro && !vma_attr_arrangement_basic(&arr)))
			continue;
		for (i = 0; i < ARRAY_SIZE(ops); i++) {
			if (ops[i].kind != kind)
				continue;
			if (!arranged)
				vma_attr_arrange(test, checked, &arr, backing);
			if (!try_op(test, checked, ops[i].op, backing))
				return;
			/* A refused operation keeps the arrangement. */
			arranged = checked->want && !memcmp(&checked->model,
							    &checked->model_before,
							    sizeof(checked->model));
			worked += !checked->want;
			refused += checked->want == -EPERM;
		}
	}

	kunit_info(test, "%u worked, %u refused\n", worked, refused);
	KUNIT_EXPECT_GT(test, worked, 0);
	if (kind != KIND_MSEAL)
		KUNIT_EXPECT_GT(test, refused, 0);
	vma_attr_checked_exit(test, checked);
}

/* fork() copies every arrangement. */
static void fork_copies(struct kunit *test)
{
	const struct vma_attr_backing *backing = test->param_value;
	struct vma_attr_checked *checked = test->priv;
	struct vma_attr_arrangement arr;
	const char *what;
	unsigned int nr;

	checked->touch = backing->touch;
	for (nr = 0; nr < VMA_ATTR_ARRANGEMENTS; nr++) {
		if (!vma_attr_arrangement(nr, &arr) || !vma_attr_arrangement_basic(&arr))
			continue;
		vma_attr_arrange(test, checked, &arr, backing->backing);
		what = vma_attr_checked_fork(test, checked);
		if (!what)
			continue;
		vma_attr_checked_print(test, checked, NULL, what);
		KUNIT_FAIL_AND_ABORT(test, "fork: %s", what);
	}
	vma_attr_checked_exit(test, checked);
}

/*
 * Examples written by hand. They show what the tests above do, and catch mistakes
 * of the model.
 */

static const struct example {
	const char *name;
	const char *before;
	struct model_op op;
	long ret;
	const char *after;
} examples[] = {
	{ "mseal splits at both ends",
	  "seal |......|",
	  { MODEL_MSEAL, 2, 4, MODEL_MAP }, 0,
	  "seal |..|11|..|" },
	{ "mseal merges with equal seals on both sides",
	  "seal |11|..|11|",
	  { MODEL_MSEAL, 2, 4, MODEL_MAP }, 0,
	  "seal |111111|" },
	{ "mseal does not merge with other seals",
	  "seal |11|..|77|",
	  { MODEL_MSEAL, 2, 4, MODEL_PROT }, 0,
	  "seal |11|22|77|" },
	{ "mseal adds to what there is",
	  "seal |11|..|22|",
	  { MODEL_MSEAL, 1, 5, MODEL_MAP | MODEL_PROT }, 0,
	  "seal |1|3333|2|" },
	{ "mseal does not split what has the seals already",
	  "seal |..|7777|..|",
	  { MODEL_MSEAL, 3, 5, MODEL_PROT }, 0,
	  "seal |..|7777|..|" },
	{ "mseal stops at a gap and leaves no border",
	  "seal |....| |..|",
	  { MODEL_MSEAL, 2, 7, MODEL_MAP }, -ENOMEM,
	  "seal |....| |..|" },
	{ "sealed anonymous memory that was touched is one VMA again",
	  "back |AA|AA|AA|\n"
	  "seal |ff|..|ff|",
	  { MODEL_MSEAL, 2, 4, 7 }, 0,
	  "back |AAAAAA|\n"
	  "seal |ffffff|" },
	{ "mprotect splits, with the seal on each piece",
	  "prot |wwwwww|\n"
	  "seal |111111|",
	  { MODEL_MPROTECT, 2, 4, MODEL_READ }, 0,
	  "prot |ww|rr|ww|\n"
	  "seal |11|11|11|" },
	{ "mprotect merges equal seals",
	  "prot |ww|rr|ww|\n"
	  "seal |11|11|11|",
	  { MODEL_MPROTECT, 2, 4, VMA_ATTR_RW }, 0,
	  "prot |wwwwww|\n"
	  "seal |111111|" },
	{ "mprotect does not merge different seals",
	  "prot |ww|rr|ww|\n"
	  "seal |11|..|11|",
	  { MODEL_MPROTECT, 2, 4, VMA_ATTR_RW }, 0,
	  "prot |ww|ww|ww|\n"
	  "seal |11|..|11|" },
	{ "a refused mprotect does not split what is before the seal",
	  "seal |....|22|..|",
	  { MODEL_MPROTECT, 2, 7, MODEL_READ }, -EPERM,
	  "seal |....|22|..|" },
	{ "munmap keeps the seal of what stays",
	  "seal |222222|",
	  { MODEL_MUNMAP, 2, 4 }, 0,
	  "seal |22|  |22|" },
	{ "a refused munmap unmaps nothing before the seal",
	  "seal |....|11|",
	  { MODEL_MUNMAP, 2, 5 }, -EPERM,
	  "seal |....|11|" },
	{ "mmap beside a seal does not merge with it",
	  "seal |77|  |77|",
	  { MODEL_MMAP, 2, 4, VMA_ATTR_RW }, 0,
	  "seal |77|..|77|" },
	{ "mmap over a seal that permits it is not sealed",
	  "seal |222222|",
	  { MODEL_MMAP, 2, 4, VMA_ATTR_RW }, 0,
	  "seal |22|..|22|" },
	{ "mremap moves the seal along and merges equal seals",
	  "seal |2222|  |22|",
	  { MODEL_MREMAP_MOVE, 0, 2, .dst = 4, .new_pages = 2 }, 0,
	  "seal   |222222|" },
	{ "mremap does not merge with another seal",
	  "seal |2222|  |..|",
	  { MODEL_MREMAP_MOVE, 0, 2, .dst = 4, .new_pages = 2 }, 0,
	  "seal   |2222|..|" },
	{ "mremap in place grows with its seal",
	  "seal |..|22|",
	  { MODEL_MREMAP_RESIZE, 2, 4, .new_pages = 4 }, 0,
	  "seal |..|2222|" },
	{ "mremap in place grows up to an equal seal and merges",
	  "seal |22|  |22|",
	  { MODEL_MREMAP_RESIZE, 0, 2, .new_pages = 4 }, 0,
	  "seal |222222|" },
	{ "madvise splits, with the seal on each piece",
	  "seal |777777|",
	  { MODEL_MADV_DONTDUMP, 2, 4 }, 0,
	  "seal |77|77|77|\n"
	  "flag |..|dd|..|" },
	{ "madvise merges equal seals",
	  "seal |77|77|77|\n"
	  "flag |..|dd|..|",
	  { MODEL_MADV_DODUMP, 2, 4 }, 0,
	  "seal |777777|\n"
	  "flag |......|" },
	{ "a refused madvise does not split what is before the seal",
	  "prot |wwww|rr|\n"
	  "seal |....|11|",
	  { MODEL_MADV_DONTFORK, 2, 5 }, -EPERM,
	  "seal |....|11|\n"
	  "flag |....|..|" },
	{ "dontfork splits a seal that is writable, as RDMA has it",
	  "seal |....|7777|",
	  { MODEL_MADV_DONTFORK, 2, 6 }, 0,
	  "seal |..|..|77|77|\n"
	  "flag |..|ff|ff|..|" },
	{ "dofork brings back what a seal covers",
	  "prot |wwww|rrrr|\n"
	  "seal |7777|7777|\n"
	  "flag |ffff|ffff|",
	  { MODEL_MADV_DOFORK, 2, 6 }, 0,
	  "seal |77|77|77|77|\n"
	  "flag |ff|..|..|ff|" },
	{ "mprotect changes what is before a gap, with a seal behind it",
	  "seal |....|  |22|",
	  { MODEL_MPROTECT, 2, 8, MODEL_READ }, -ENOMEM,
	  "prot |ww|rr|  |ww|\n"
	  "seal |..|..|  |22|" },
	{ "a refused mprotect changes nothing before a gap",
	  "seal |..|22|  |..|",
	  { MODEL_MPROTECT, 0, 8, MODEL_READ }, -EPERM,
	  "prot |ww|ww|  |ww|\n"
	  "seal |..|22|  |..|" },
	{ "shared memory",
	  "back |ss|ss|ss|\n"
	  "seal |cc|..|cc|",
	  { MODEL_MSEAL, 2, 4, MODEL_DISCARD }, 0,
	  "back |ssssss|\n"
	  "seal |cccccc|" },
	{ "private file",
	  "back |PP|PP|PP|\n"
	  "seal |ee|..|ee|",
	  { MODEL_MSEAL, 2, 4, MODEL_DISCARD | MODEL_PROT }, 0,
	  "back |PPPPPP|\n"
	  "seal |eeeeee|" },
};

KUNIT_ARRAY_PARAM_DESC(examples, examples, name);

static void by_hand(struct kunit *test)
{
	const struct example *example = test->param_value;
	struct vma_attr_checked *checked = test->priv;

	KUNIT_ASSERT_MM_BUILD(test, &checked->area, example->before);
	KUNIT_EXPECT_EQ(test, example->ret,
			vma_attr_kernel_do(&checked->area, &example->op));
	KUNIT_EXPECT_MM_LAYOUT(test, &checked->area, example->after);
	vma_attr_checked_exit(test, checked);
}

/*
 * The heap and the stack grow
 */

static const struct {
	const char *name;
	unsigned long flags;
	char digit;
} seals[] = {
	{ "0",			0,					'7' },
	{ "MAP",		MSEAL_MAP,				'1' },
	{ "PROT",		MSEAL_PROT,				'2' },
	{ "MAP|PROT",		MSEAL_MAP | MSEAL_PROT,			'3' },
	{ "DISCARD",		MSEAL_DISCARD,				'c' },
	{ "MAP|DISCARD",	MSEAL_MAP | MSEAL_DISCARD,		'd' },
	{ "PROT|DISCARD",	MSEAL_PROT | MSEAL_DISCARD,		'e' },
	{ "MAP|PROT|DISCARD",	MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD,	'f' },
};

KUNIT_ARRAY_PARAM_DESC(seals, seals, name);

/* Assert a row of seals; # stands for those of the parameter. */
#define EXPECT_SEALS(_test, _area, _text)					\
do {										\
	struct kunit *__seal_test = (_test);					\
	const typeof(seals[0]) *__seal = __seal_test->param_value;		\
	char __text[32];							\
										\
	snprintf(__text, sizeof(__text), "seal %s", _text);			\
	strreplace(__text, '#', __seal->digit);					\
	KUNIT_ASSERT_MM_LAYOUT(__seal_test, _area, __text);			\
} while (0)

static int seal_pages(const struct vma_attr_checked *checked, unsigned int first,
		      unsigned int end, unsigned long flags)
{
	return kunit_mm_syscall(mseal, kunit_mm_page_addr(&checked->area, first),
			(end - first) * PAGE_SIZE, flags);
}

static void brk_to(struct kunit *test, const struct vma_attr_checked *checked,
		   unsigned int page)
{
	const unsigned long brk = kunit_mm_page_addr(&checked->area, page);

	KUNIT_ASSERT_EQ(test, (unsigned long)syscall(brk, brk), brk);
}

static void heap_grows(struct kunit *test)
{
	const typeof(seals[0]) *seal = test->param_value;
	struct vma_attr_checked *checked = test->priv;
	const struct kunit_mm_area *area = &checked->area;

	current->mm->start_brk = area->base;
	current->mm->brk = area->base;

	/* The unsealed heap is one VMA; a seal splits it. */
	brk_to(test, checked, 2);
	brk_to(test, checked, 4);
	EXPECT_SEALS(test, area, "|....|");
	KUNIT_ASSERT_EQ(test, 0, seal_pages(checked, 2, 4, seal->flags));
	EXPECT_SEALS(test, area, "|..|##|");
	brk_to(test, checked, 6);
	EXPECT_SEALS(test, area, "|..|##|..|");
	brk_to(test, checked, 8);
	EXPECT_SEALS(test, area, "|..|##|....|");

	/* The unsealed end can shrink. */
	brk_to(test, checked, 5);
	EXPECT_SEALS(test, area, "|..|##|.|");

	/* Equal seals merge again. */
	KUNIT_ASSERT_EQ(test, 0, seal_pages(checked, 4, 5, seal->flags));
	EXPECT_SEALS(test, area, "|..|###|");
	KUNIT_ASSERT_EQ(test, 0, seal_pages(checked, 0, 2, seal->flags));
	EXPECT_SEALS(test, area, "|#####|");
	brk_to(test, checked, 6);
	EXPECT_SEALS(test, area, "|#####|.|");

	vma_attr_checked_exit(test, checked);
}

/* Touch a page below a stack, as a push does. */
static void stack_to(struct kunit *test, const struct vma_attr_checked *checked,
		     unsigned int page)
{
	const unsigned long addr = kunit_mm_page_addr(&checked->area, page);
	struct vm_area_struct *vma;

	mmap_read_lock(current->mm);
	vma = expand_stack(current->mm, addr);
	KUNIT_EXPECT_NOT_NULL(test, vma);
	if (vma)
		mmap_read_unlock(current->mm);
}

#ifndef CONFIG_STACK_GROWSUP
/* A sealed stack grows with its seal; an unsealed one does not become sealed. */
static void stack_grows(struct kunit *test)
{
	const typeof(seals[0]) *seal = test->param_value;
	struct vma_attr_checked *checked = test->priv;
	const struct kunit_mm_area *area = &checked->area;

	KUNIT_ASSERT_MM_BUILD(test, area,
			      "prot         |wwww|\n"
			      "back         |AAAA|\n"
			      "flag         |gggg|");
	/* Seal the upper half, which does not grow. */
	KUNIT_ASSERT_EQ(test, 0, seal_pages(checked, 10, 12, seal->flags));
	EXPECT_SEALS(test, area, "        |..|##|");
	stack_to(test, checked, 6);
	EXPECT_SEALS(test, area, "      |....|##|");
	KUNIT_EXPECT_EQ(test, current->mm->map_count, 2);

	/* Seal the lower end: the pages by which it grows are sealed as well. */
	KUNIT_ASSERT_EQ(test, 0, seal_pages(checked, 6, 8, seal->flags));
	EXPECT_SEALS(test, area, "      |##|..|##|");
	stack_to(test, checked, 3);
	EXPECT_SEALS(test, area, "   |#####|..|##|");
	KUNIT_EXPECT_EQ(test, current->mm->map_count, 3);

	/* With equal seals it is one stack, which grows as one. */
	KUNIT_ASSERT_EQ(test, 0, seal_pages(checked, 3, 12, seal->flags));
	EXPECT_SEALS(test, area, "   |#########|");
	stack_to(test, checked, 2);
	EXPECT_SEALS(test, area, "  |##########|");

	KUNIT_EXPECT_EQ(test, current->mm->stack_vm, 10);
	vma_attr_checked_exit(test, checked);
}
#endif

/* mlock() and munlock() split and merge independently of seals. */
static void mlock_splits(struct kunit *test)
{
	const typeof(seals[0]) *seal = test->param_value;
	struct vma_attr_checked *checked = test->priv;
	const struct kunit_mm_area *area = &checked->area;
	const unsigned long addr = kunit_mm_page_addr(area, 1);

	KUNIT_ASSERT_MM_BUILD(test, area, "back |AAAAAA|");
	KUNIT_ASSERT_EQ(test, 0, seal_pages(checked, 2, 4, seal->flags));
	KUNIT_ASSERT_EQ(test, 0, syscall(mlock, addr, 4 * PAGE_SIZE));
	EXPECT_SEALS(test, area, "|.|.|##|.|.|");
	KUNIT_EXPECT_MM_LAYOUT(test, area, "flag |.|l|ll|l|.|");
	KUNIT_EXPECT_EQ(test, current->mm->locked_vm, 4);
	KUNIT_ASSERT_EQ(test, 0, syscall(munlock, addr, 2 * PAGE_SIZE));
	EXPECT_SEALS(test, area, "|..|#|#|.|.|");
	KUNIT_ASSERT_EQ(test, 0, syscall(munlock, addr, 4 * PAGE_SIZE));
	EXPECT_SEALS(test, area, "|..|##|..|");

	vma_attr_checked_exit(test, checked);
}

static struct kunit_case vma_attr_merge_cases[] = {
	KUNIT_CASE_PARAM(by_hand, examples_gen_params),
	KUNIT_CASE_PARAM_ATTR(merge_and_split, kinds_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_PARAM_ATTR(fork_copies, backings_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_PARAM(heap_grows, seals_gen_params),
#ifndef CONFIG_STACK_GROWSUP
	KUNIT_CASE_PARAM(stack_grows, seals_gen_params),
#endif
	KUNIT_CASE_PARAM(mlock_splits, seals_gen_params),
	{}
};

static struct kunit_suite vma_attr_merge_suite = {
	.name = "vma_attr_merge",
	.init = vma_attr_checked_init,
	.test_cases = vma_attr_merge_cases,
};

kunit_test_suite(vma_attr_merge_suite);

MODULE_DESCRIPTION("KUnit tests of merge and split under the VMA attribute lock");
MODULE_LICENSE("GPL");
