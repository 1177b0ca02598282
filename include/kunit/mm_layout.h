/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address spaces as text, for tests of the memory management.
 *
 * See Documentation/dev-tools/kunit/api/mm_layout.rst for the text.
 */
#ifndef _KUNIT_MM_LAYOUT_H
#define _KUNIT_MM_LAYOUT_H

#include <kunit/test.h>
#include <linux/mm_types.h>

struct file;

/* The most pages that a layout can have. */
#define KUNIT_MM_LAYOUT_PAGES	64

/**
 * enum kunit_mm_row - The rows of a layout
 * @KUNIT_MM_PROT: "prot", the protection
 * @KUNIT_MM_BACK: "back", the backing
 * @KUNIT_MM_SEAL: "seal", the seals that mseal() has set
 * @KUNIT_MM_FLAG: "flag", the flags that madvise() and mlock() have set
 * @KUNIT_MM_ROWS: how many there are
 */
enum kunit_mm_row {
	KUNIT_MM_PROT,
	KUNIT_MM_BACK,
	KUNIT_MM_SEAL,
	KUNIT_MM_FLAG,
	KUNIT_MM_ROWS,
};

/* Longest text of a layout: per row a name, pages, borders and a newline. */
#define KUNIT_MM_LAYOUT_TEXT \
	(KUNIT_MM_ROWS * (5 + 2 * KUNIT_MM_LAYOUT_PAGES + 1 + 1) + 1)

/**
 * struct kunit_mm_layout - A parsed layout
 * @pages: number of pages, without trailing holes
 * @rows: mask of BIT(&enum kunit_mm_row): which rows it has
 * @cell: the character of each row for each page; a space in a hole
 * @border: is there a border before the page? The last one is behind the last page
 */
struct kunit_mm_layout {
	unsigned int pages;
	unsigned int rows;
	char cell[KUNIT_MM_ROWS][KUNIT_MM_LAYOUT_PAGES];
	bool border[KUNIT_MM_LAYOUT_PAGES + 1];
};

/**
 * struct kunit_mm_error - Why a text is not a layout
 * @row: the line of the text, from 0
 * @column: the character in that line, from 0
 * @why: what is wrong there
 */
struct kunit_mm_error {
	unsigned int row;
	unsigned int column;
	const char *why;
};

/**
 * struct kunit_mm_area - The part of the address space that a layout describes
 * @base: address of page 0
 * @pages: number of pages, at most KUNIT_MM_LAYOUT_PAGES
 * @file: the file for file mappings, or NULL; its page 0 is at page 0 of the area
 */
struct kunit_mm_area {
	unsigned long base;
	unsigned int pages;
	struct file *file;
};

/* The most VMAs that a snapshot can have. */
#define KUNIT_MM_SNAPSHOT_VMAS	64

/**
 * struct kunit_mm_snapshot - The complete state of the VMAs of a range
 * @nr: number of VMAs in the range; @vma has the first of them
 * @map_count: number of VMAs as counted by the mm
 * @sealed: has any mapping of the mm ever been sealed?
 * @brk: end of the heap
 * @total_vm: pages mapped
 * @data_vm: private writable pages that are not a stack
 * @exec_vm: executable pages that are not writable
 * @stack_vm: pages of stacks
 * @locked_vm: pages that are mlock()ed
 * @vma: each VMA, in order of address
 *
 * Too large for the stack. Compare snapshots with kunit_mm_snapshot_same().
 */
struct kunit_mm_snapshot {
	unsigned int nr;
	int map_count;
	bool sealed;
	unsigned long brk;
	unsigned long total_vm;
	unsigned long data_vm;
	unsigned long exec_vm;
	unsigned long stack_vm;
	unsigned long locked_vm;
	struct {
		unsigned long start;
		unsigned long end;
		vm_flags_t flags;
		unsigned long pgoff;
		const struct file *file;
		unsigned long anon_vma;	/* is there one? */
	} vma[KUNIT_MM_SNAPSHOT_VMAS];
};

int kunit_mm_area_init(struct kunit *test, struct kunit_mm_area *area,
		       unsigned int pages, unsigned int file_pages);
int kunit_mm_layout_parse(const char *text, struct kunit_mm_layout *layout,
			  struct kunit_mm_error *error);
void kunit_mm_layout_format(const struct kunit_mm_layout *layout, char *text);
void kunit_mm_layout_read(struct mm_struct *mm, const struct kunit_mm_area *area,
			  unsigned int rows, struct kunit_mm_layout *layout);
bool kunit_mm_layout_same(const struct kunit_mm_layout *a,
			  const struct kunit_mm_layout *b);
void kunit_mm_layout_print(struct kunit *test, const char *title,
			   const struct kunit_mm_layout *layout);
int kunit_mm_layout_build(struct kunit *test, const struct kunit_mm_area *area,
			  const char *text);
bool kunit_mm_layout_check(struct kunit *test, struct mm_struct *mm,
			   const struct kunit_mm_area *area, const char *text);

void kunit_mm_snapshot_read(struct mm_struct *mm, unsigned long start,
			    unsigned long end, struct kunit_mm_snapshot *snapshot);
bool kunit_mm_snapshot_same(const struct kunit_mm_snapshot *a,
			    const struct kunit_mm_snapshot *b);
void kunit_mm_snapshot_print(struct kunit *test, const char *title,
			     const struct kunit_mm_snapshot *snapshot);
const char *kunit_mm_inconsistent(struct mm_struct *mm);
const char *kunit_mm_unmerged(struct mm_struct *mm);

/**
 * kunit_mm_page_contents() - What kunit_mm_layout_build() stores in a page
 * @page: number of the page in its area
 *
 * Return: the first byte of a page that the layout has as touched; never 0.
 */
static inline u8 kunit_mm_page_contents(unsigned int page)
{
	return 0x41 + page;
}

/**
 * kunit_mm_page_addr() - Address of a page of an area
 * @area: the area
 * @page: number of the page, from 0; may be beyond the last one
 *
 * Return: the address.
 */
static inline unsigned long kunit_mm_page_addr(const struct kunit_mm_area *area,
					       unsigned int page)
{
	return area->base + page * PAGE_SIZE;
}

/**
 * KUNIT_EXPECT_MM_LAYOUT() - Expect an area to have a layout
 * @test: the test
 * @area: the &struct kunit_mm_area, in the mm of the thread
 * @text: the layout; only the rows that it has are compared
 *
 * A failure prints both layouts.
 */
#define KUNIT_EXPECT_MM_LAYOUT(test, area, text)				\
do {										\
	struct kunit *__mm_test = (test);					\
										\
	KUNIT_EXPECT_TRUE_MSG(__mm_test,					\
			      kunit_mm_layout_check(__mm_test, current->mm,	\
						    area, text),		\
			      "the layout differs");				\
} while (0)

/**
 * KUNIT_ASSERT_MM_LAYOUT() - Like KUNIT_EXPECT_MM_LAYOUT(), but end the test
 * @test: the test
 * @area: the &struct kunit_mm_area, in the mm of the thread
 * @text: the layout; only the rows that it has are compared
 */
#define KUNIT_ASSERT_MM_LAYOUT(test, area, text)				\
do {										\
	struct kunit *__mm_test = (test);					\
										\
	KUNIT_ASSERT_TRUE_MSG(__mm_test,					\
			      kunit_mm_layout_check(__mm_test, current->mm,	\
						    area, text),		\
			      "the layout differs");				\
} while (0)

/**
 * KUNIT_ASSERT_MM_BUILD() - Build a layout, or end the test
 * @test: the test
 * @area: the &struct kunit_mm_area, in the mm of the thread
 * @text: the layout, see kunit_mm_layout_build()
 */
#define KUNIT_ASSERT_MM_BUILD(test, area, text)				\
do {										\
	struct kunit *__mm_test = (test);					\
										\
	KUNIT_ASSERT_EQ_MSG(__mm_test, 0,					\
			    kunit_mm_layout_build(__mm_test, area, text),	\
			    "the layout cannot be built");			\
} while (0)

#endif /* _KUNIT_MM_LAYOUT_H */
