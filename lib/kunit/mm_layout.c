// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces as text, see Documentation/dev-tools/kunit/api/mm_layout.rst.
 *
 * For built-in tests only. Layouts are built by system calls and read from the
 * VMAs.
 */

#include <kunit/mm_layout.h>
#include <kunit/mm_syscall.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mman.h>
#include <linux/shmem_fs.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>
#include <linux/vma_attr.h>

/*
 * The alphabet. Each row has a table in the order of its characters. An entry
 * says what the character stands for in a VMA and in the calls that make one.
 */

static const char * const row_names[KUNIT_MM_ROWS] = {
	"prot", "back", "seal", "flag",
};

static const char * const row_cells[KUNIT_MM_ROWS] = {
	[KUNIT_MM_PROT] = "-rwxX",
	[KUNIT_MM_BACK] = "aApPs",
	[KUNIT_MM_SEAL] = ".123456789abcdef",	/* a sum of bits instead of a table */
	[KUNIT_MM_FLAG] = ".dfkrsgl",
};

/* What a layout is built with if it does not have the row. */
static const char row_defaults[KUNIT_MM_ROWS] = { 'w', 'a', '.', '.' };

#define CELL_HOLE	' '
#define CELL_OTHER	'?'	/* A VMA that cannot be built. */

static const struct {
	vm_flags_t flags;
	unsigned long prot;
} prots[] = {
	{ VM_NONE,			PROT_NONE },
	{ VM_READ,			PROT_READ },
	{ VM_READ | VM_WRITE,		PROT_READ | PROT_WRITE },
	{ VM_READ | VM_EXEC,		PROT_READ | PROT_EXEC },
	{ VM_READ | VM_WRITE | VM_EXEC,	PROT_READ | PROT_WRITE | PROT_EXEC },
};

/*
 * Protection of a VMA while it is being built: it can be written to, but does
 * not merge with a finished VMA. No entry of prots[] has this protection.
 */
#define PROT_BUILDING	PROT_WRITE

static const struct {
	bool file;
	bool shared;
	bool touched;	/* Each page is written to. */
	bool anon_vma;
} backs[] = {
	{ .file = false, .shared = false, .touched = false, .anon_vma = false },
	{ .file = false, .shared = false, .touched = true,  .anon_vma = true },
	{ .file = true,  .shared = false, .touched = false, .anon_vma = false },
	{ .file = true,  .shared = false, .touched = true,  .anon_vma = true },
	{ .file = true,  .shared = true,  .touched = true,  .anon_vma = false },
};

static const vm_flags_t seal_bits[] = {
	VM_SEAL_MAP, VM_SEAL_PROT, VM_SEAL_DISCARD_WEAK, VM_SEAL_DISCARD,
};

/* The calls of mseal(), and the sum of the seals that they set. */
static const struct {
	unsigned int sum;
	unsigned long mseal_flags;
} seal_calls[] = {
	{ 0x1, MSEAL_MAP },
	{ 0x2, MSEAL_PROT },
	{ 0x3, MSEAL_MAP | MSEAL_PROT },
	{ 0x7, 0 },
	{ 0xc, MSEAL_DISCARD },
	{ 0xd, MSEAL_DISCARD | MSEAL_MAP },
	{ 0xe, MSEAL_DISCARD | MSEAL_PROT },
	{ 0xf, MSEAL_DISCARD | MSEAL_MAP | MSEAL_PROT },
};

/* One at a time; a VMA with several has CELL_OTHER. */
static const struct {
	vm_flags_t flag;
	int advice;	/* of madvise(), if above 0 */
	unsigned long map_flags;
} flags[] = {
	{ VM_NONE },
	{ VM_DONTDUMP,		MADV_DONTDUMP },
	{ VM_DONTCOPY,		MADV_DONTFORK },
	{ VM_WIPEONFORK,	MADV_WIPEONFORK },
	{ VM_RAND_READ,		MADV_RANDOM },
	{ VM_SEQ_READ,		MADV_SEQUENTIAL },
	{ VM_GROWSDOWN,		0, MAP_GROWSDOWN },
	{ VM_LOCKED },
};

#define KNOWN_FLAGS (VM_DONTDUMP | VM_DONTCOPY | VM_WIPEONFORK | VM_RAND_READ | \
		     VM_SEQ_READ | VM_GROWSDOWN | VM_LOCKED)

/* The index of a character in the alphabet of its row, or -1. */
static int find_cell(enum kunit_mm_row row, char c)
{
	const char *at = c ? strchr(row_cells[row], c) : NULL;

	return at ? at - row_cells[row] : -1;
}

static int find_seal_call(char c)
{
	const int sum = find_cell(KUNIT_MM_SEAL, c);
	int i;

	for (i = 0; i < ARRAY_SIZE(seal_calls); i++) {
		if (seal_calls[i].sum == sum)
			return i;
	}
	return -1;
}

/* Does the row have this character? Includes the one that can only be read. */
static bool cell_known(enum kunit_mm_row row, char c)
{
	if (c == CELL_OTHER)
		return row != KUNIT_MM_SEAL;

	return find_cell(row, c) >= 0;
}

static bool vma_has_back(struct vm_area_struct *vma, int i)
{
	return vma_is_anonymous(vma) != backs[i].file &&
	       !vma->vm_file != backs[i].file &&
	       !(vma->vm_flags & VM_MAYSHARE) != backs[i].shared &&
	       !vma->anon_vma != backs[i].anon_vma;
}

/* Does a VMA match entry @i of the alphabet of a row? */
static bool vma_fits(struct vm_area_struct *vma, enum kunit_mm_row row, int i)
{
	unsigned int bit, sum = 0;

	switch (row) {
	case KUNIT_MM_PROT:
		return (vma->vm_flags & VM_ACCESS_FLAGS) == prots[i].flags;
	case KUNIT_MM_BACK:
		return vma_has_back(vma, i);
	case KUNIT_MM_SEAL:
		for (bit = 0; bit < ARRAY_SIZE(seal_bits); bit++) {
			if (vma->vm_flags & seal_bits[bit])
				sum |= BIT(bit);
		}
		return sum == i;
	default:
		return (vma->vm_flags & KNOWN_FLAGS) == flags[i].flag;
	}
}

static char vma_cell(struct vm_area_struct *vma, enum kunit_mm_row row)
{
	int i;

	for (i = 0; row_cells[row][i]; i++) {
		if (vma_fits(vma, row, i))
			return row_cells[row][i];
	}
	return CELL_OTHER;
}

/*
 * Text to layout
 */

struct parser {
	const char *text;
	const char *line;	/* where the current line begins */
	const char *at;
	struct kunit_mm_layout *layout;
	struct kunit_mm_error *error;
	unsigned int nr_lines;
};

static int parse_error(struct parser *p, const char *why)
{
	if (p->error) {
		p->error->row = p->nr_lines;
		p->error->column = p->at - p->line;
		p->error->why = why;
	}
	return -EINVAL;
}

/* Point at the border that the row has, or at where it should have one. */
static int parse_border_error(struct parser *p, bool border)
{
	if (border)
		p->at--;
	return parse_error(p, "the rows differ in this border");
}

/* The name of a row and the space behind it. */
static int parse_row_name(struct parser *p)
{
	enum kunit_mm_row row;

	for (row = 0; row < KUNIT_MM_ROWS; row++) {
		const size_t len = strlen(row_names[row]);

		if (strncmp(p->at, row_names[row], len) || p->at[len] != ' ')
			continue;
		if (p->layout->rows & BIT(row))
			return parse_error(p, "this row is there twice");
		p->at += len + 1;
		return row;
	}
	return parse_error(p, "the name of a row is missing: prot, back, seal or flag");
}

static int parse_row(struct parser *p)
{
	struct kunit_mm_layout *layout = p->layout;
	const bool first = !layout->rows;
	enum kunit_mm_row row;
	unsigned int page = 0;
	bool border = false;
	int ret;

	p->line = p->at;
	ret = parse_row_name(p);
	if (ret < 0)
		return ret;
	row = ret;

	for (; *p->at && *p->at != '\n'; p->at++) {
		if (*p->at == '|') {
			if (border)
				return parse_error(p, "a second border at the same place");
			border = true;
			continue;
		}
		if (page == KUNIT_MM_LAYOUT_PAGES)
			return parse_error(p, "too many pages");
		if (*p->at != CELL_HOLE && !cell_known(row, *p->at))
			return parse_error(p, "this row has no such character");
		if (!first && page < layout->pages && border != layout->border[page])
			return parse_border_error(p, border);
		layout->cell[row][page] = *p->at;
		layout->border[page++] = border;
		border = false;
	}
	if (first)
		layout->pages = page;
	else if (page != layout->pages)
		return parse_error(p, "the rows differ in length");
	if (!first && border != layout->border[page])
		return parse_border_error(p, border);
	layout->border[page] = border;
	layout->rows |= BIT(row);

	return 0;
}

/* The first row that a layout has. */
static enum kunit_mm_row first_row(const struct kunit_mm_layout *layout)
{
	return layout->rows ? __ffs(layout->rows) : 0;
}

static bool is_hole_in(const struct kunit_mm_layout *layout, enum kunit_mm_row row,
		       int page)
{
	return page < 0 || page >= layout->pages ||
	       layout->cell[row][page] == CELL_HOLE;
}

static bool is_hole(const struct kunit_mm_layout *layout, int page)
{
	return is_hole_in(layout, first_row(layout), page);
}

/* Move the parser to a page of a row, for the message. */
static void parser_seek(struct parser *p, enum kunit_mm_row row, unsigned int page)
{
	unsigned int seen = 0;

	p->nr_lines = 0;
	p->line = p->text;
	while (strncmp(p->line, row_names[row], strlen(row_names[row]))) {
		p->line = strchr(p->line, '\n') + 1;
		p->nr_lines++;
	}
	p->at = p->line + strlen(row_names[row]) + 1;
	for (; seen < page || *p->at == '|'; p->at++)
		seen += *p->at != '|';
}

/* Check what needs all rows. */
static int parse_whole(struct parser *p)
{
	struct kunit_mm_layout *layout = p->layout;
	enum kunit_mm_row row;
	unsigned int page;

	for (page = 0; page <= layout->pages; page++) {
		const bool hole = is_hole(layout, page);
		const bool before = is_hole(layout, (int)page - 1);

		for (row = 0; row < KUNIT_MM_ROWS; row++) {
			const char *cell = layout->cell[row];
			const char *why = NULL;

			if (!(layout->rows & BIT(row)))
				continue;
			if (is_hole_in(layout, row, page) != hole)
				why = "the rows differ in this hole";
			else if (layout->border[page] && hole && before)
				why = "a border in a hole";
			else if (layout->border[page])
				continue;
			else if (page && page < layout->pages && hole != before)
				why = "no border in front of this";
			else if (page && !hole && cell[page] != cell[page - 1])
				why = "no border in front of this";
			if (why) {
				parser_seek(p, row, page);
				if (layout->border[page] && hole && before)
					p->at--;
				return parse_error(p, why);
			}
		}
	}

	/* A hole at the end is the same as no more pages. */
	while (layout->pages && is_hole(layout, layout->pages - 1))
		layout->pages--;

	return 0;
}

/**
 * kunit_mm_layout_parse() - Parse the text of a layout
 * @text: the text
 * @layout: the result
 * @error: if the text is refused, what is wrong with it and where; may be NULL
 *
 * Return: 0, or -EINVAL if @text is not a layout; @layout is invalid then.
 */
int kunit_mm_layout_parse(const char *text, struct kunit_mm_layout *layout,
			  struct kunit_mm_error *error)
{
	struct parser p = {
		.text = text, .at = text, .layout = layout, .error = error,
	};
	int ret;

	memset(layout, 0, sizeof(*layout));
	do {
		ret = parse_row(&p);
		if (ret)
			return ret;
		p.nr_lines++;
		if (*p.at == '\n')
			p.at++;
	} while (*p.at);

	return parse_whole(&p);
}
EXPORT_SYMBOL_GPL(kunit_mm_layout_parse);

/*
 * Layout to text
 */

/**
 * kunit_mm_layout_format() - Write a layout as text
 * @layout: the layout
 * @text: buffer of KUNIT_MM_LAYOUT_TEXT bytes; each row becomes a line
 *
 * kunit_mm_layout_parse() turns @text into @layout again.
 */
void kunit_mm_layout_format(const struct kunit_mm_layout *layout, char *text)
{
	enum kunit_mm_row row;
	unsigned int page;

	for (row = 0; row < KUNIT_MM_ROWS; row++) {
		if (!(layout->rows & BIT(row)))
			continue;
		text += sprintf(text, "%s ", row_names[row]);
		for (page = 0; page <= layout->pages; page++) {
			if (layout->border[page])
				*text++ = '|';
			if (page < layout->pages)
				*text++ = layout->cell[row][page];
		}
		*text++ = '\n';
	}
	*text = '\0';
}
EXPORT_SYMBOL_GPL(kunit_mm_layout_format);

/**
 * kunit_mm_layout_same() - Are two layouts the same?
 * @a: the first layout
 * @b: the second layout
 *
 * Only rows that both have are compared.
 *
 * Return: true if they are.
 */
bool kunit_mm_layout_same(const struct kunit_mm_layout *a,
			  const struct kunit_mm_layout *b)
{
	enum kunit_mm_row row;

	if (a->pages != b->pages ||
	    memcmp(a->border, b->border, (a->pages + 1) * sizeof(a->border[0])))
		return false;

	for (row = 0; row < KUNIT_MM_ROWS; row++) {
		if ((a->rows & b->rows & BIT(row)) &&
		    memcmp(a->cell[row], b->cell[row], a->pages))
			return false;
	}
	return true;
}
EXPORT_SYMBOL_GPL(kunit_mm_layout_same);

/**
 * kunit_mm_layout_print() - Print a layout to the log of a test
 * @test: the test
 * @title: a line to print before it
 * @layout: the layout
 */
void kunit_mm_layout_print(struct kunit *test, const char *title,
			   const struct kunit_mm_layout *layout)
{
	char *text = kunit_kmalloc(test, KUNIT_MM_LAYOUT_TEXT, GFP_KERNEL);
	char *line, *end;

	kunit_err(test, "%s\n", title);
	if (!text)
		return;
	kunit_mm_layout_format(layout, text);
	/* Line by line, because each gets a prefix. */
	for (line = text; (end = strchr(line, '\n')); line = end + 1)
		kunit_err(test, "  %.*s\n", (int)(end - line), line);
	kunit_kfree(test, text);
}
EXPORT_SYMBOL_GPL(kunit_mm_layout_print);

/*
 * Address space to layout
 */

/**
 * kunit_mm_layout_read() - Read the layout of a part of an address space
 * @mm: the mm
 * @area: which part of it
 * @rows: mask of BIT(&enum kunit_mm_row): which rows to read
 * @layout: the result
 *
 * A VMA that extends beyond the area has no border there.
 *
 * Context: takes the mmap lock of @mm for reading.
 */
void kunit_mm_layout_read(struct mm_struct *mm, const struct kunit_mm_area *area,
			  unsigned int rows, struct kunit_mm_layout *layout)
{
	VMA_ITERATOR(vmi, mm, area->base);
	const unsigned long area_end = kunit_mm_page_addr(area, area->pages);
	struct vm_area_struct *vma;
	enum kunit_mm_row row;

	WARN_ON_ONCE(area->pages > KUNIT_MM_LAYOUT_PAGES);
	memset(layout, 0, sizeof(*layout));
	layout->rows = rows;
	memset(layout->cell, CELL_HOLE, sizeof(layout->cell));

	mmap_read_lock(mm);
	for_each_vma_range(vmi, vma, area_end) {
		const unsigned long start = max(vma->vm_start, area->base);
		const unsigned long end = min(vma->vm_end, area_end);
		const unsigned int first = (start - area->base) / PAGE_SIZE;

		layout->pages = (end - area->base) / PAGE_SIZE;
		if (start == vma->vm_start)
			layout->border[first] = true;
		if (end == vma->vm_end)
			layout->border[layout->pages] = true;
		for (row = 0; row < KUNIT_MM_ROWS; row++)
			memset(&layout->cell[row][first], vma_cell(vma, row),
			       layout->pages - first);
	}
	mmap_read_unlock(mm);
}
EXPORT_SYMBOL_GPL(kunit_mm_layout_read);

/**
 * kunit_mm_layout_check() - Does a part of an address space have a layout?
 * @test: the test
 * @mm: the mm
 * @area: which part of it
 * @text: the expected layout; only the rows that it has are compared
 *
 * If the layouts differ, prints both, the found one with all rows. If @text is
 * not a layout, prints what is wrong with it.
 *
 * Context: takes the mmap lock of @mm for reading.
 * Return: true if it has this layout.
 */
bool kunit_mm_layout_check(struct kunit *test, struct mm_struct *mm,
			   const struct kunit_mm_area *area, const char *text)
{
	struct kunit_mm_layout *want, *have;
	struct kunit_mm_error error;
	bool same = false;

	want = kunit_kmalloc_array(test, 2, sizeof(*want), GFP_KERNEL);
	if (!want) {
		kunit_err(test, "no memory for two layouts\n");
		return false;
	}
	have = want + 1;

	if (kunit_mm_layout_parse(text, want, &error)) {
		kunit_err(test, "\"%s\", line %u, column %u: %s\n", text,
			  error.row + 1, error.column + 1, error.why);
	} else {
		kunit_mm_layout_read(mm, area, BIT(KUNIT_MM_ROWS) - 1, have);
		same = kunit_mm_layout_same(want, have);
		if (!same) {
			kunit_mm_layout_print(test, "Expected layout:", want);
			kunit_mm_layout_print(test, "Layout found:", have);
		}
	}
	kunit_kfree(test, want);

	return same;
}
EXPORT_SYMBOL_GPL(kunit_mm_layout_check);

/*
 * Layout to address space
 */

KUNIT_DEFINE_ACTION_WRAPPER(fput_wrapper, fput, struct file *);

/**
 * kunit_mm_area_init() - Set up an address space, an area in it, and a file
 * @test: the test
 * @area: the result: an area with nothing mapped around it
 * @pages: number of its pages, at most KUNIT_MM_LAYOUT_PAGES
 * @file_pages: number of pages of the file; 0 for no file
 *
 * The thread gets an mm if it has none, see kunit_attach_mm(). The file ends with
 * @test, the mm with its thread.
 *
 * Context: a test's thread, no lock held.
 * Return: 0, or an error such as -ENOMEM.
 */
int kunit_mm_area_init(struct kunit *test, struct kunit_mm_area *area,
		       unsigned int pages, unsigned int file_pages)
{
	int ret;

	ret = kunit_attach_mm();
	if (ret)
		return ret;

	area->base = PAGE_ALIGN(TASK_SIZE / 4);
	area->pages = pages;
	area->file = NULL;
	if (!file_pages)
		return 0;

	area->file = shmem_file_setup("kunit", file_pages * PAGE_SIZE,
				      EMPTY_VMA_FLAGS);
	if (IS_ERR(area->file))
		return PTR_ERR(area->file);
	return kunit_add_action_or_reset(test, fput_wrapper, area->file);
}
EXPORT_SYMBOL_GPL(kunit_mm_area_init);

static int build_error(struct kunit *test, const char *text, unsigned int page,
		       const char *what, long err)
{
	kunit_err(test, "\"%s\", page %u: %s: %ld\n", text, page, what, err);
	return err < 0 ? err : -EINVAL;
}

/* The end of the run of equal pages that begins with @first. */
static unsigned int run_end(const struct kunit_mm_layout *layout, unsigned int first)
{
	enum kunit_mm_row row;
	unsigned int end;

	for (end = first + 1; end < layout->pages; end++) {
		for (row = 0; row < KUNIT_MM_ROWS; row++) {
			if (layout->cell[row][end] != layout->cell[row][first])
				return end;
		}
	}
	return end;
}

/* Map a run of pages with the same protection, backing and growth. */
static long build_map(const struct kunit_mm_area *area,
		      const struct kunit_mm_layout *layout,
		      unsigned int first, unsigned int end)
{
	const unsigned long addr = kunit_mm_page_addr(area, first);
	const unsigned long len = (end - first) * PAGE_SIZE;
	const int back = find_cell(KUNIT_MM_BACK, layout->cell[KUNIT_MM_BACK][first]);
	const int prot = find_cell(KUNIT_MM_PROT, layout->cell[KUNIT_MM_PROT][first]);
	const int flag = find_cell(KUNIT_MM_FLAG, layout->cell[KUNIT_MM_FLAG][first]);
	unsigned long map_flags = MAP_FIXED | flags[flag].map_flags;
	unsigned int page;
	unsigned long ret;

	map_flags |= backs[back].shared ? MAP_SHARED : MAP_PRIVATE;
	if (!backs[back].file)
		map_flags |= MAP_ANONYMOUS;
	else if (!area->file)
		return -EBADF;

	ret = vm_mmap(backs[back].file ? area->file : NULL, addr, len,
		      PROT_BUILDING, map_flags,
		      backs[back].file ? first * PAGE_SIZE : 0);
	if (ret != addr)
		return ret;

	for (page = first; backs[back].touched && page < end; page++) {
		if (put_user(kunit_mm_page_contents(page),
			     (u8 __user *)kunit_mm_page_addr(area, page)))
			return -EFAULT;
	}
	return kunit_mm_syscall(mprotect, addr, len, prots[prot].prot);
}

static long build_flag(const struct kunit_mm_area *area,
		       const struct kunit_mm_layout *layout,
		       unsigned int first, unsigned int end)
{
	const unsigned long addr = kunit_mm_page_addr(area, first);
	const unsigned long len = (end - first) * PAGE_SIZE;
	const int flag = find_cell(KUNIT_MM_FLAG, layout->cell[KUNIT_MM_FLAG][first]);

	if (flags[flag].flag == VM_LOCKED)
		return kunit_mm_syscall(mlock, addr, len);
	if (flags[flag].advice > 0)
		return do_madvise(current->mm, addr, len, flags[flag].advice);
	return 0;
}

static long build_seal(const struct kunit_mm_area *area,
		       const struct kunit_mm_layout *layout,
		       unsigned int first, unsigned int end)
{
	const int call = find_seal_call(layout->cell[KUNIT_MM_SEAL][first]);

	if (call < 0)
		return 0;
	return kunit_mm_syscall(mseal, kunit_mm_page_addr(area, first), (end - first) * PAGE_SIZE,
			seal_calls[call].mseal_flags);
}

/* Can each page be made by system calls? Returns an error if not. */
static int build_possible(struct kunit *test, const struct kunit_mm_area *area,
			  const struct kunit_mm_layout *layout, const char *text)
{
	enum kunit_mm_row row;
	unsigned int page;

	if (layout->pages > area->pages)
		return build_error(test, text, area->pages, "outside of the area", 0);

	for (page = 0; page < layout->pages; page++) {
		const char seal = layout->cell[KUNIT_MM_SEAL][page];

		if (is_hole(layout, page))
			continue;
		for (row = 0; row < KUNIT_MM_ROWS; row++) {
			if (layout->cell[row][page] == CELL_OTHER)
				return build_error(test, text, page,
						   "? can only be read", 0);
		}
		if (seal != '.' && find_seal_call(seal) < 0)
			return build_error(test, text, page,
					   "no flags of mseal() set these seals", 0);
	}
	return 0;
}

/* Fill in the rows that the text does not have. */
static void build_defaults(struct kunit_mm_layout *layout)
{
	enum kunit_mm_row row;
	unsigned int page;

	for (page = 0; page < layout->pages; page++) {
		const bool hole = is_hole(layout, page);

		for (row = 0; row < KUNIT_MM_ROWS; row++) {
			if (!(layout->rows & BIT(row)))
				layout->cell[row][page] =
					hole ? CELL_HOLE : row_defaults[row];
		}
	}
}

/*
 * Each step is done for all pages before the next one. So pages that only differ
 * in flags or seals are one VMA first, which is then split. They share an
 * anon_vma, as they do in a real process.
 */
static const struct {
	long (*build)(const struct kunit_mm_area *area,
		      const struct kunit_mm_layout *layout,
		      unsigned int first, unsigned int end);
	const char *failed;
} build_steps[] = {
	{ build_map,	"mapping it failed" },
	{ build_flag,	"its flag failed" },
	{ build_seal,	"mseal() failed" },
};

static int build(struct kunit *test, const struct kunit_mm_area *area,
		 struct kunit_mm_layout *layout, const char *text)
{
	unsigned int step, first, end;
	long ret;

	build_defaults(layout);
	ret = build_possible(test, area, layout, text);
	if (ret)
		return ret;

	for (step = 0; step < ARRAY_SIZE(build_steps); step++) {
		for (first = 0; first < layout->pages; first = end) {
			end = run_end(layout, first);
			if (is_hole(layout, first))
				continue;
			ret = build_steps[step].build(area, layout, first, end);
			if (ret)
				return build_error(test, text, first,
						   build_steps[step].failed, ret);
		}
	}
	return 0;
}

/**
 * kunit_mm_layout_build() - Build a layout in a part of an address space
 * @test: the test
 * @area: which part; nothing may be mapped in it yet
 * @text: the layout
 *
 * Acts on the mm of the thread, which kunit_attach_mm() makes, by the system
 * calls that a program would use. Without a row "back" all pages are anonymous
 * and untouched. Without "prot" they are readable and writable. Without "seal"
 * and "flag" they have no seals and no flags. Pages that are touched hold
 * kunit_mm_page_contents().
 *
 * What was built is compared with @text: a border between VMAs that merge is
 * an error, as is anything else that the kernel does not do. Errors are printed
 * to the log of the test.
 *
 * Context: a test's thread, no lock held.
 * Return: 0; -EINVAL if @text is not a layout or cannot be built; -EBADF if it
 * maps a file and @area has none; or the error of the call that failed.
 */
int kunit_mm_layout_build(struct kunit *test, const struct kunit_mm_area *area,
			  const char *text)
{
	struct kunit_mm_layout *layout;
	struct kunit_mm_error error;
	int ret;

	layout = kunit_kmalloc(test, sizeof(*layout), GFP_KERNEL);
	if (!layout)
		return -ENOMEM;
	ret = kunit_mm_layout_parse(text, layout, &error);
	if (ret)
		kunit_err(test, "\"%s\", line %u, column %u: %s\n", text,
			  error.row + 1, error.column + 1, error.why);
	else
		ret = build(test, area, layout, text);
	kunit_kfree(test, layout);
	if (ret)
		return ret;

	return kunit_mm_layout_check(test, current->mm, area, text) ? 0 : -EINVAL;
}
EXPORT_SYMBOL_GPL(kunit_mm_layout_build);

/*
 * Snapshots
 */

/**
 * kunit_mm_snapshot_read() - Read the counters of an mm, and its VMAs
 * @mm: the mm
 * @start: first address of the VMAs to read
 * @end: end address, exclusive; ULONG_MAX for all
 * @snapshot: the result
 *
 * Context: takes the mmap lock of @mm for reading.
 */
void kunit_mm_snapshot_read(struct mm_struct *mm, unsigned long start,
			    unsigned long end, struct kunit_mm_snapshot *snapshot)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	snapshot->map_count = mm->map_count;
	snapshot->sealed = vma_attr_mm_sealed(mm);
	snapshot->brk = mm->brk;
	snapshot->total_vm = mm->total_vm;
	snapshot->data_vm = mm->data_vm;
	snapshot->exec_vm = mm->exec_vm;
	snapshot->stack_vm = mm->stack_vm;
	snapshot->locked_vm = mm->locked_vm;
	snapshot->nr = 0;
	for_each_vma_range(vmi, vma, end) {
		const unsigned int i = snapshot->nr++;

		if (i >= KUNIT_MM_SNAPSHOT_VMAS)
			continue;
		snapshot->vma[i].start = vma->vm_start;
		snapshot->vma[i].end = vma->vm_end;
		snapshot->vma[i].flags = vma->vm_flags;
		snapshot->vma[i].pgoff = vma->vm_pgoff;
		snapshot->vma[i].file = vma->vm_file;
		snapshot->vma[i].anon_vma = !!vma->anon_vma;
	}
	mmap_read_unlock(mm);
}
EXPORT_SYMBOL_GPL(kunit_mm_snapshot_read);

/**
 * kunit_mm_snapshot_same() - Are two snapshots the same?
 * @a: the first snapshot
 * @b: the second snapshot
 *
 * Return: true if they are; false if there are more VMAs than fit in a snapshot.
 */
bool kunit_mm_snapshot_same(const struct kunit_mm_snapshot *a,
			    const struct kunit_mm_snapshot *b)
{
	return a->nr <= KUNIT_MM_SNAPSHOT_VMAS && a->nr == b->nr &&
	       a->map_count == b->map_count && a->sealed == b->sealed &&
	       a->brk == b->brk && a->total_vm == b->total_vm &&
	       a->data_vm == b->data_vm && a->exec_vm == b->exec_vm &&
	       a->stack_vm == b->stack_vm && a->locked_vm == b->locked_vm &&
	       !memcmp(a->vma, b->vma, a->nr * sizeof(a->vma[0]));
}
EXPORT_SYMBOL_GPL(kunit_mm_snapshot_same);

/**
 * kunit_mm_snapshot_print() - Print a snapshot to the log of a test
 * @test: the test
 * @title: a line to print before it
 * @snapshot: the snapshot
 */
void kunit_mm_snapshot_print(struct kunit *test, const char *title,
			     const struct kunit_mm_snapshot *snapshot)
{
	unsigned int i;

	kunit_err(test, "%s\n", title);
	kunit_err(test, "  %d VMAs, %s, brk %lx, total_vm %lu\n",
		  snapshot->map_count, snapshot->sealed ? "sealed" : "not sealed",
		  snapshot->brk, snapshot->total_vm);
	kunit_err(test, "  data_vm %lu exec_vm %lu stack_vm %lu locked_vm %lu\n",
		  snapshot->data_vm, snapshot->exec_vm, snapshot->stack_vm,
		  snapshot->locked_vm);
	for (i = 0; i < min(snapshot->nr, KUNIT_MM_SNAPSHOT_VMAS); i++) {
		const vm_flags_t vm_flags = snapshot->vma[i].flags;

		kunit_err(test, "  %lx-%lx %c%c%c%c flags %lx pgoff %lx%s%s\n",
			  snapshot->vma[i].start, snapshot->vma[i].end,
			  vm_flags & VM_READ ? 'r' : '-',
			  vm_flags & VM_WRITE ? 'w' : '-',
			  vm_flags & VM_EXEC ? 'x' : '-',
			  vm_flags & VM_MAYSHARE ? 's' : 'p',
			  vm_flags, snapshot->vma[i].pgoff,
			  snapshot->vma[i].file ? " file" : "",
			  snapshot->vma[i].anon_vma ? " anon_vma" : "");
	}
	if (i < snapshot->nr)
		kunit_err(test, "  and %u more, which do not fit in a snapshot\n",
			  snapshot->nr - i);
}
EXPORT_SYMBOL_GPL(kunit_mm_snapshot_print);

/**
 * kunit_mm_inconsistent() - Is anything wrong with the VMAs of an mm?
 * @mm: the mm
 *
 * Counts the VMAs and their pages again, and compares the result with the
 * counters of the mm. Looks for VMAs that overlap or are not where the tree says
 * they are.
 *
 * Context: takes the mmap lock of @mm for reading.
 * Return: NULL if all is well, or a text that says what is wrong.
 */
const char *kunit_mm_inconsistent(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	unsigned long total = 0, data = 0, exec = 0, stack = 0, locked = 0;
	struct vm_area_struct *vma, *prev = NULL;
	const char *what = NULL;
	int count = 0;

	mmap_read_lock(mm);
	for_each_vma(vmi, vma) {
		const unsigned long pages = vma_pages(vma);

		if (vma->vm_start >= vma->vm_end ||
		    vmi.mas.index != vma->vm_start ||
		    vmi.mas.last + 1 != vma->vm_end)
			what = "a VMA is not where the tree has it";
		else if (prev && vma->vm_start < prev->vm_end)
			what = "VMAs overlap";
		prev = vma;
		count++;

		total += pages;
		if (vma->vm_flags & VM_LOCKED)
			locked += pages;
		if (vma->vm_flags & VM_STACK)
			stack += pages;
		else if (vma->vm_flags & VM_WRITE)
			data += vma->vm_flags & VM_SHARED ? 0 : pages;
		else if (vma->vm_flags & VM_EXEC)
			exec += pages;
	}
	if (count != mm->map_count)
		what = "map_count is not the number of VMAs";
	else if (total != mm->total_vm)
		what = "total_vm is not the number of pages";
	else if (data != mm->data_vm)
		what = "data_vm is not the number of private writable pages";
	else if (exec != mm->exec_vm)
		what = "exec_vm is not the number of executable pages";
	else if (stack != mm->stack_vm)
		what = "stack_vm is not the number of pages of stacks";
	else if (locked != mm->locked_vm)
		what = "locked_vm is not the number of locked pages";
	mmap_read_unlock(mm);

	return what;
}
EXPORT_SYMBOL_GPL(kunit_mm_inconsistent);

/* Is there a reason for two neighbours to be separate VMAs? */
static bool vmas_differ(struct vm_area_struct *a, struct vm_area_struct *b)
{
	return a->vm_end != b->vm_start ||
	       a->vm_file != b->vm_file || a->vm_ops != b->vm_ops ||
	       ((a->vm_flags ^ b->vm_flags) & ~(VM_SOFTDIRTY | VM_MAYBE_GUARD)) ||
	       a->vm_pgoff + vma_pages(a) != b->vm_pgoff ||
	       !mpol_equal(vma_policy(a), vma_policy(b)) ||
	       !anon_vma_name_eq(anon_vma_name(a), anon_vma_name(b)) ||
	       userfaultfd_armed(a) || userfaultfd_armed(b) ||
	       /* Each has its own anon_vma, or one of them inherited it. */
	       (a->anon_vma && b->anon_vma && a->anon_vma != b->anon_vma) ||
	       (!a->anon_vma != !b->anon_vma &&
		!list_is_singular(a->anon_vma ? &a->anon_vma_chain :
						&b->anon_vma_chain));
}

/**
 * kunit_mm_unmerged() - Are there neighbours that should have been merged?
 * @mm: the mm
 *
 * These are neighbours that are equal. Two exceptions are due to an anon_vma: VMAs
 * that each have their own do not merge, and a VMA that inherited one from a
 * parent does not merge at all.
 *
 * Context: takes the mmap lock of @mm for reading.
 * Return: NULL if there are none, or a text that says that there are.
 */
const char *kunit_mm_unmerged(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma, *prev = NULL;
	const char *what = NULL;

	mmap_read_lock(mm);
	for_each_vma(vmi, vma) {
		if (prev && !vmas_differ(prev, vma))
			what = "VMAs that are equal were not merged";
		prev = vma;
	}
	mmap_read_unlock(mm);

	return what;
}
EXPORT_SYMBOL_GPL(kunit_mm_unmerged);
