// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for address spaces as text.
 */

#include <kunit/mm_layout.h>
#include <kunit/mm_syscall.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#define AREA_PAGES	32

/* Texts that are not layouts, and their error messages. */
static const struct refused {
	const char *text;
	unsigned int row, column;
	const char *why;
} refused[] = {
	{ "", 0, 0, "the name of a row is missing: prot, back, seal or flag" },
	{ "|ww|", 0, 0, "the name of a row is missing: prot, back, seal or flag" },
	{ "prot", 0, 0, "the name of a row is missing: prot, back, seal or flag" },
	{ "prod |ww|", 0, 0, "the name of a row is missing: prot, back, seal or flag" },
	{ "prot |ww|\nprot |ww|", 1, 0, "this row is there twice" },
	{ "prot |wy|", 0, 7, "this row has no such character" },
	{ "back |aw|", 0, 7, "this row has no such character" },
	{ "seal |.|g|", 0, 8, "this row has no such character" },
	{ "seal |?|", 0, 6, "this row has no such character" },
	{ "prot |ww|\nseal |.W|", 1, 7, "this row has no such character" },
	{ "prot |ww||rr|", 0, 9, "a second border at the same place" },
	{ "prot |wwrr|", 0, 8, "no border in front of this" },
	{ "prot |ww |", 0, 8, "no border in front of this" },
	{ "prot | ww|", 0, 5, "a border in a hole" },
	{ "prot  | |ww|", 0, 6, "a border in a hole" },
	{ "prot |ww| |", 0, 10, "a border in a hole" },
	{ "prot |ww|ww|\nback |aaaa|", 1, 8, "the rows differ in this border" },
	{ "prot |wwww|\nback |aa|aa|", 1, 8, "the rows differ in this border" },
	{ "prot |ww\nback |aa|", 1, 8, "the rows differ in this border" },
	{ "prot |ww|\nback |a|", 1, 8, "the rows differ in length" },
	{ "prot |w|\nback |aa|", 1, 9, "the rows differ in length" },
	{ "prot |ww|  |ww|\nback |aa|aa|aa|", 1, 9, "the rows differ in this hole" },
	{ "prot |wwww|\nback |aapp|", 1, 8, "no border in front of this" },
	{ "prot wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
	  0, 69, "too many pages" },
};

static void refused_desc(const struct refused *refused, char *desc)
{
	unsigned int i = 0;

	for (; i < KUNIT_PARAM_DESC_SIZE - 1 && refused->text[i]; i++)
		desc[i] = refused->text[i] == '\n' ? '/' : refused->text[i];
	desc[i] = '\0';
}

KUNIT_ARRAY_PARAM(refused, refused, refused_desc);

static void parse_refuses(struct kunit *test)
{
	const struct refused *refused = test->param_value;
	struct kunit_mm_error error = {};
	struct kunit_mm_layout layout;

	KUNIT_ASSERT_EQ(test, -EINVAL,
			kunit_mm_layout_parse(refused->text, &layout, &error));
	KUNIT_EXPECT_STREQ(test, error.why, refused->why);
	KUNIT_EXPECT_EQ(test, error.row, refused->row);
	KUNIT_EXPECT_EQ(test, error.column, refused->column);

	/* The caller may ignore the details. */
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kunit_mm_layout_parse(refused->text, &layout, NULL));
}

/* A layout is parsed correctly, and formatting it gives the same text again. */
static void parse_and_format(struct kunit *test)
{
	static const char text[] =
		"prot   |ww|rr|-|  |xX\n"
		"back   |aA|pp|s|  |PP\n"
		"seal   |..|11|f|  |77\n"
		"flag   |..|dd|k|  |rr\n";
	static const char good[] =
		"prot   |w|w|rr|-|  |x|X\n"
		"back   |a|A|pp|s|  |P|P\n"
		"seal   |.|.|11|f|  |7|7\n"
		"flag   |.|.|dd|k|  |r|r\n";
	struct kunit_mm_layout layout;
	char *formatted;

	KUNIT_EXPECT_EQ(test, -EINVAL, kunit_mm_layout_parse(text, &layout, NULL));
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_layout_parse(good, &layout, NULL));
	KUNIT_EXPECT_EQ(test, layout.pages, 11);
	KUNIT_EXPECT_EQ(test, layout.rows, BIT(KUNIT_MM_ROWS) - 1);
	KUNIT_EXPECT_EQ(test, layout.cell[KUNIT_MM_PROT][0], ' ');
	KUNIT_EXPECT_EQ(test, layout.cell[KUNIT_MM_PROT][4], 'r');
	KUNIT_EXPECT_EQ(test, layout.cell[KUNIT_MM_BACK][3], 'A');
	KUNIT_EXPECT_EQ(test, layout.cell[KUNIT_MM_SEAL][6], 'f');
	KUNIT_EXPECT_EQ(test, layout.cell[KUNIT_MM_FLAG][10], 'r');
	KUNIT_EXPECT_TRUE(test, layout.border[2]);
	KUNIT_EXPECT_FALSE(test, layout.border[5]);
	KUNIT_EXPECT_TRUE(test, layout.border[7]);
	/* The last VMA extends beyond the layout. */
	KUNIT_EXPECT_FALSE(test, layout.border[11]);

	formatted = kunit_kmalloc(test, KUNIT_MM_LAYOUT_TEXT, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, formatted);
	kunit_mm_layout_format(&layout, formatted);
	KUNIT_EXPECT_STREQ(test, formatted, good);
}

/* The largest possible layout fits in the size that the header promises. */
static void format_fits(struct kunit *test)
{
	char *text = kunit_kmalloc(test, KUNIT_MM_LAYOUT_TEXT, GFP_KERNEL);
	struct kunit_mm_layout layout = {
		.pages = KUNIT_MM_LAYOUT_PAGES,
		.rows = BIT(KUNIT_MM_ROWS) - 1,
	};

	KUNIT_ASSERT_NOT_NULL(test, text);
	memset(layout.cell, '?', sizeof(layout.cell));
	memset(layout.border, true, sizeof(layout.border));
	kunit_mm_layout_format(&layout, text);
	KUNIT_EXPECT_EQ(test, strlen(text) + 1, KUNIT_MM_LAYOUT_TEXT);
}

static void compare(struct kunit *test)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "prot |ww|", "prot |ww|", true },
		{ "prot |ww|", "prot |ww|  ", true },
		{ "prot |ww|", "prot |rr|", false },
		{ "prot |ww|", "prot |www|", false },
		{ "prot |ww|", "prot |w|w|", false },
		{ "prot |ww|", "prot |ww", false },
		{ "prot |ww|", "prot  |ww|", false },
		/* Only rows that both have are compared. */
		{ "prot |ww|", "prot |ww|\nseal |11|", true },
		{ "prot |ww|", "seal |11|", true },
		{ "prot |ww|", "seal |1|1|", false },
		{ "prot |ww|\nseal |11|", "prot |ww|\nseal |22|", false },
	};
	struct kunit_mm_layout a, b;
	int i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		KUNIT_ASSERT_EQ(test, 0, kunit_mm_layout_parse(pairs[i].a, &a, NULL));
		KUNIT_ASSERT_EQ(test, 0, kunit_mm_layout_parse(pairs[i].b, &b, NULL));
		KUNIT_EXPECT_EQ_MSG(test, kunit_mm_layout_same(&a, &b), pairs[i].same,
				    "%s and %s", pairs[i].a, pairs[i].b);
		KUNIT_EXPECT_EQ_MSG(test, kunit_mm_layout_same(&b, &a), pairs[i].same,
				    "%s and %s", pairs[i].b, pairs[i].a);
	}
}

/*
 * Build and read
 */

static const struct built {
	const char *name;
	const char *text;
} built[] = {
	{ "nothing", "prot " },
	{ "one page", "prot |w|" },
	{ "in the middle", "prot    |w|" },
	{ "protections", "prot |-|r|w|x|X|" },
	{ "holes", "prot |ww|  |ww| |rr|" },
	{ "backings", "back |aa|pp|ss|" },
	{ "touched", "prot |rr|ww|rr|ww|\nback |AA|aa|PP|pp|" },
	{ "touched by protection", "prot |w|r|-|\nback |A|A|A|" },
	{ "touched beside untouched", "prot |ww|rr|ww|\nback |aa|AA|aa|" },
	{ "flags", "prot |w|w|w|w|w|w|w|\nflag |.|d|f|k|r|s|l|" },
	{ "stack", "prot     |ww|\nflag     |gg|" },
#ifdef CONFIG_64BIT
	{ "seals", "seal |.|1|2|3|7|c|d|e|f|" },
	{ "seals and protection",
	  "prot |ww|ww|rr|rr|\n"
	  "seal |..|11|11|77|" },
	{ "seals in touched memory",
	  "prot |ww|ww|rr|  |ww|\n"
	  "back |AA|AA|AA|  |PP|\n"
	  "seal |..|33|33|  |ff|" },
	{ "all rows",
	  "prot |ww|rr|--|  |w|w|rr|xx|\n"
	  "back |AA|ss|aa|  |p|p|PP|aa|\n"
	  "seal |11|..|77|  |f|f|cc|33|\n"
	  "flag |dd|..|kk|  |.|r|..|ff|" },
#endif
};

KUNIT_ARRAY_PARAM_DESC(built, built, name);

static void build_and_read(struct kunit *test)
{
	const struct built *built = test->param_value;
	struct kunit_mm_area *area = test->priv;
	struct kunit_mm_layout layout;
	unsigned int page;
	char *text;

	KUNIT_ASSERT_MM_BUILD(test, area, built->text);
	KUNIT_EXPECT_MM_LAYOUT(test, area, built->text);
	KUNIT_EXPECT_PTR_EQ(test, kunit_mm_inconsistent(current->mm), NULL);
	KUNIT_EXPECT_PTR_EQ(test, kunit_mm_unmerged(current->mm), NULL);

	/* Also after a round trip through text. */
	text = kunit_kmalloc(test, KUNIT_MM_LAYOUT_TEXT, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, text);
	kunit_mm_layout_read(current->mm, area, BIT(KUNIT_MM_ROWS) - 1, &layout);
	kunit_mm_layout_format(&layout, text);
	KUNIT_EXPECT_MM_LAYOUT(test, area, text);

	/* Touched pages have the expected contents. */
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_layout_parse(built->text, &layout, NULL));
	for (page = 0; page < layout.pages; page++) {
		u8 contents = 0;

		if (!(layout.rows & BIT(KUNIT_MM_BACK)) ||
		    !strchr("APs", layout.cell[KUNIT_MM_BACK][page]) ||
		    !strchr("rwxX", layout.cell[KUNIT_MM_PROT][page]))
			continue;
		KUNIT_ASSERT_EQ(test, 0,
				get_user(contents, (u8 __user *)
					 kunit_mm_page_addr(area, page)));
		KUNIT_EXPECT_EQ(test, contents, kunit_mm_page_contents(page));
	}
}

/* The VMAs are as requested, not only what kunit_mm_layout_read() finds. */
static void build_makes_vmas(struct kunit *test)
{
	struct kunit_mm_area *area = test->priv;
	struct vm_area_struct *vma;

	KUNIT_ASSERT_MM_BUILD(test, area,
			      "prot |ww|  |rrr|\n"
			      "back |aa|  |sss|\n"
			      "flag |ff|  |...|");
	KUNIT_EXPECT_EQ(test, current->mm->map_count, 2);

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, kunit_mm_page_addr(area, 1));
	KUNIT_EXPECT_NOT_NULL(test, vma);
	if (vma) {
		KUNIT_EXPECT_EQ(test, vma->vm_start, kunit_mm_page_addr(area, 0));
		KUNIT_EXPECT_EQ(test, vma->vm_end, kunit_mm_page_addr(area, 2));
		KUNIT_EXPECT_TRUE(test, vma->vm_flags & VM_WRITE);
		KUNIT_EXPECT_TRUE(test, vma->vm_flags & VM_DONTCOPY);
		KUNIT_EXPECT_PTR_EQ(test, vma->vm_file, NULL);
	}
	KUNIT_EXPECT_PTR_EQ(test, NULL,
			    vma_lookup(current->mm, kunit_mm_page_addr(area, 2)));
	vma = vma_lookup(current->mm, kunit_mm_page_addr(area, 4));
	KUNIT_EXPECT_NOT_NULL(test, vma);
	if (vma) {
		KUNIT_EXPECT_EQ(test, vma->vm_end, kunit_mm_page_addr(area, 7));
		KUNIT_EXPECT_FALSE(test, vma->vm_flags & VM_WRITE);
		KUNIT_EXPECT_TRUE(test, vma->vm_flags & VM_SHARED);
		KUNIT_EXPECT_EQ(test, vma->vm_pgoff, 4);
		KUNIT_EXPECT_PTR_EQ(test, vma->vm_file, area->file);
	}
	mmap_read_unlock(current->mm);
}

/* Layouts that the kernel would never make. */
static const struct built unbuildable[] = {
	{ "no text", "" },
	{ "equal neighbours", "prot |ww|ww|" },
	{ "no end", "prot |ww" },
	{ "touched like its neighbour", "back |aa|AA|" },
	{ "unknown protection", "prot |?|" },
	{ "outside of the area", "prot                                 |w|" },
	{ "a part of a seal", "seal |4|" },
	{ "wiped file", "back |pp|\nflag |kk|" },
};

KUNIT_ARRAY_PARAM_DESC(unbuildable, unbuildable, name);

static void build_refuses(struct kunit *test)
{
	const struct built *built = test->param_value;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			kunit_mm_layout_build(test, test->priv, built->text));
}

static void build_without_file(struct kunit *test)
{
	struct kunit_mm_area area = *(struct kunit_mm_area *)test->priv;

	area.file = NULL;
	KUNIT_EXPECT_EQ(test, -EBADF, kunit_mm_layout_build(test, &area, "back |p|"));
	KUNIT_EXPECT_EQ(test, 0, kunit_mm_layout_build(test, &area, "back |a|"));
}

/* Differences of each kind are found. */
static void check_finds(struct kunit *test)
{
	static const char * const others[] = {
		"prot |wwww|rr|", "prot |ww|rrr|", "prot |ww|r|r|", "prot |ww|r|",
		"prot |ww|rr", "prot |ww|rr|w|", "prot  |ww|rr|", "prot ",
		"prot |rr|ww|", "back |aa|pp|", "back |AA|aa|", "seal |..|11|",
		"flag |..|dd|", "no layout",
	};
	struct kunit_mm_area *area = test->priv;
	int i;

	KUNIT_ASSERT_MM_BUILD(test, area, "prot |ww|rr|");
	for (i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_FALSE_MSG(test,
				       kunit_mm_layout_check(test, current->mm, area,
							     others[i]),
				       "%s", others[i]);
}

/* A VMA across the end of the area has no border there. */
static void read_part(struct kunit *test)
{
	struct kunit_mm_area *area = test->priv;
	struct kunit_mm_area part = {
		.base = kunit_mm_page_addr(area, 1), .pages = 4,
	};

	KUNIT_ASSERT_MM_BUILD(test, area, "prot |ww|rr|ww|");
	KUNIT_EXPECT_MM_LAYOUT(test, &part, "prot w|rr|w");
	part.pages = 3;
	KUNIT_EXPECT_MM_LAYOUT(test, &part, "prot w|rr|");
}

/* Snapshots find differences of each kind as well. */
static void snapshots(struct kunit *test)
{
	struct kunit_mm_area *area = test->priv;
	const unsigned long addr = kunit_mm_page_addr(area, 0);
	struct kunit_mm_snapshot *a, *b;
	unsigned long brk;

	a = kunit_kcalloc(test, 2, sizeof(*a), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, a);
	b = a + 1;

	KUNIT_ASSERT_MM_BUILD(test, area, "prot |ww|rr|--|\nback |aa|aa|ss|");
	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, a);
	KUNIT_EXPECT_EQ(test, a->nr, 3);
	KUNIT_EXPECT_EQ(test, a->total_vm, 6);
	KUNIT_EXPECT_EQ(test, a->data_vm, 2);
	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, b);
	KUNIT_EXPECT_TRUE(test, kunit_mm_snapshot_same(a, b));

	brk = current->mm->brk++;
	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, b);
	KUNIT_EXPECT_FALSE(test, kunit_mm_snapshot_same(a, b));
	current->mm->brk = brk;

	KUNIT_ASSERT_EQ(test, 0, put_user(1, (u8 __user *)addr));
	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, b);
	KUNIT_EXPECT_FALSE(test, kunit_mm_snapshot_same(a, b));

	/* After a change was undone, the snapshots are the same. */
	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, a);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_mm_syscall(mprotect, addr, PAGE_SIZE, PROT_READ));
	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, b);
	KUNIT_EXPECT_FALSE(test, kunit_mm_snapshot_same(a, b));
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_syscall(mprotect, addr, PAGE_SIZE,
						  PROT_READ | PROT_WRITE));
	kunit_mm_snapshot_read(current->mm, 0, ULONG_MAX, b);
	KUNIT_EXPECT_TRUE(test, kunit_mm_snapshot_same(a, b));

	/* Snapshots with more VMAs than fit are never the same. */
	a->nr = KUNIT_MM_SNAPSHOT_VMAS + 1;
	*b = *a;
	KUNIT_EXPECT_FALSE(test, kunit_mm_snapshot_same(a, b));
}

static void inconsistent(struct kunit *test)
{
	struct mm_struct *mm = current->mm;
	unsigned long *counters[] = {
		&mm->total_vm, &mm->data_vm, &mm->exec_vm, &mm->stack_vm,
		&mm->locked_vm,
	};
	struct vm_area_struct *vma;
	int i;

	KUNIT_ASSERT_MM_BUILD(test, test->priv, "prot |ww|rr|xx|");
	KUNIT_EXPECT_PTR_EQ(test, kunit_mm_inconsistent(mm), NULL);

	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		(*counters[i])++;
		KUNIT_EXPECT_NOT_NULL(test, kunit_mm_inconsistent(mm));
		(*counters[i])--;
		KUNIT_EXPECT_PTR_EQ(test, kunit_mm_inconsistent(mm), NULL);
	}
	mm->map_count++;
	KUNIT_EXPECT_NOT_NULL(test, kunit_mm_inconsistent(mm));
	mm->map_count--;

	/* A border without a reason. No other thread uses this mm. */
	mmap_write_lock(mm);
	vma = vma_lookup(mm, kunit_mm_page_addr(test->priv, 2));
	vma_start_write(vma);
	vm_flags_set(vma, VM_WRITE | VM_ACCOUNT);
	mmap_write_unlock(mm);
	mm->data_vm += 2;
	KUNIT_EXPECT_PTR_EQ(test, kunit_mm_inconsistent(mm), NULL);
	KUNIT_EXPECT_STREQ(test, kunit_mm_unmerged(mm),
			   "VMAs that are equal were not merged");
	mm->data_vm -= 2;
	mmap_write_lock(mm);
	vm_flags_clear(vma, VM_WRITE | VM_ACCOUNT);
	mmap_write_unlock(mm);
	KUNIT_EXPECT_PTR_EQ(test, kunit_mm_inconsistent(mm), NULL);
	KUNIT_EXPECT_PTR_EQ(test, kunit_mm_unmerged(mm), NULL);
}

static int mm_layout_test_init(struct kunit *test)
{
	struct kunit_mm_area *area;

	area = kunit_kzalloc(test, sizeof(*area), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, area);
	test->priv = area;

	return kunit_mm_area_init(test, area, AREA_PAGES, AREA_PAGES);
}

static struct kunit_case mm_layout_test_cases[] = {
	KUNIT_CASE_PARAM(parse_refuses, refused_gen_params),
	KUNIT_CASE(parse_and_format),
	KUNIT_CASE(format_fits),
	KUNIT_CASE(compare),
	KUNIT_CASE_PARAM(build_and_read, built_gen_params),
	KUNIT_CASE(build_makes_vmas),
	KUNIT_CASE_PARAM(build_refuses, unbuildable_gen_params),
	KUNIT_CASE(build_without_file),
	KUNIT_CASE(check_finds),
	KUNIT_CASE(read_part),
	KUNIT_CASE(snapshots),
	KUNIT_CASE(inconsistent),
	{}
};

static struct kunit_suite mm_layout_test_suite = {
	.name = "kunit_mm_layout",
	.init = mm_layout_test_init,
	.test_cases = mm_layout_test_cases,
};

kunit_test_suite(mm_layout_test_suite);

MODULE_DESCRIPTION("KUnit tests for address spaces as text");
MODULE_LICENSE("GPL");
