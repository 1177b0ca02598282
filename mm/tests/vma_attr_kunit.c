// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for the VMA attribute lock, on a real mm and through the system
 * calls themselves. The expectations restate what
 * Documentation/userspace-api/mseal.rst promises. Nothing is derived from the table
 * in mm/vma_attr.c.
 *
 * tools/testing/vma/tests/attr.c tests the rules alone, without an mm.
 */

#include <kunit/mm_layout.h>
#include <kunit/mm_syscall.h>
#include <kunit/test.h>
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <linux/vma_attr.h>

#include "../internal.h"

static char seals_to_char(vm_flags_t seals)
{
	unsigned int sum = 0;

	if (seals & VM_SEAL_MAP)
		sum += 1;
	if (seals & VM_SEAL_PROT)
		sum += 2;
	if (seals & VM_SEAL_DISCARD_WEAK)
		sum += 4;
	if (seals & VM_SEAL_DISCARD)
		sum += 8;

	return ".123456789abcdef"[sum];
}

/*
 * The arena: a few pages for a test to map and seal, and some more behind them
 * as a destination for moves. A seal cannot be removed, so a test that needs
 * another try begins a new arena.
 */

#define ARENA_PAGES	16
#define ARENA_DEST	24	/* The destination of moves. */
#define ARENA_STRIDE	48

/* With CONFIG_DEBUG_VM_MAPLE_TREE each change walks all VMAs of the mm. */
#define ARENAS_PER_MM	16

/* A row of a layout, with its name and the end of the line. */
#define SHORT_LEN	(sizeof("seal |") + 2 * ARENA_PAGES + 1)

enum backing {
	ANON,
	PRIVATE_FILE,
	SHARED_FILE,
	NR_BACKINGS,
};

static const char *const backing_names[] = { "anon", "private file", "shared file" };

/* Their characters in a layout, with all pages touched. */
static const char backing_cells[] = { 'A', 'P', 's' };

struct arena {
	unsigned int nr;
	struct kunit_mm_area area;
	const char *pages;
	struct kunit_mm_snapshot before;
	struct kunit_mm_snapshot after;
};

static unsigned long page_addr(struct kunit *test, int page)
{
	struct arena *arena = test->priv;

	return kunit_mm_page_addr(&arena->area, page);
}

static unsigned long arena_end(struct kunit *test)
{
	return page_addr(test, ARENA_STRIDE);
}

#define syscall		kunit_mm_syscall

/* Drop the mm as the end of the thread would, and attach a new one. */
static void renew_mm(struct kunit *test)
{
	struct mm_struct *mm = current->mm;

	kthread_unuse_mm(mm);
	mmput(mm);
	KUNIT_ASSERT_EQ(test, 0, kunit_attach_mm());
}

/**
 * arena_map() - Begin a new arena and map its pages
 * @test: the test
 * @pages: a character for each page: w writable, r read-only, space not mapped
 * @backing: what to map
 *
 * Each page gets contents of its own. Equal neighbours are one VMA.
 */
static void arena_map(struct kunit *test, const char *pages, enum backing backing)
{
	struct arena *arena = test->priv;
	char text[2 * SHORT_LEN], *p = text;
	int row, page;

	if (++arena->nr % ARENAS_PER_MM == 0)
		renew_mm(test);
	arena->area.base += ARENA_STRIDE * PAGE_SIZE;
	arena->pages = pages;

	KUNIT_ASSERT_LE(test, strlen(pages), ARENA_PAGES);
	for (row = 0; row < 2; row++) {
		p += sprintf(p, row ? "back " : "prot ");
		for (page = 0; pages[page]; page++) {
			if (pages[page] != (page ? pages[page - 1] : ' '))
				*p++ = '|';
			*p++ = row && pages[page] != ' ' ? backing_cells[backing] :
							   pages[page];
		}
		if (page && pages[page - 1] != ' ')
			*p++ = '|';
		*p++ = '\n';
	}
	*p = '\0';
	KUNIT_ASSERT_MM_BUILD(test, &arena->area, text);
}

/* All pages of the arena still have the contents from arena_map(). */
static void assert_contents_kept(struct kunit *test, const char *what)
{
	struct arena *arena = test->priv;
	int page;

	for (page = 0; arena->pages[page]; page++) {
		u8 contents = 0;

		if (arena->pages[page] == ' ')
			continue;
		KUNIT_ASSERT_EQ_MSG(test, 0,
				    get_user(contents,
					     (u8 __user *)page_addr(test, page)),
				    "page %d unreadable after %s", page, what);
		KUNIT_ASSERT_EQ_MSG(test, contents, kunit_mm_page_contents(page),
				    "page %d changed by %s", page, what);
	}
}

static void arena_read(struct kunit *test, struct kunit_mm_snapshot *snapshot)
{
	kunit_mm_snapshot_read(current->mm, page_addr(test, 0), arena_end(test),
			       snapshot);
}

/* Are the snapshots of the arena the same? If not, print both. */
static bool arena_unchanged(struct kunit *test)
{
	struct arena *arena = test->priv;

	if (kunit_mm_snapshot_same(&arena->before, &arena->after))
		return true;

	kunit_mm_snapshot_print(test, "Before:", &arena->before);
	kunit_mm_snapshot_print(test, "After:", &arena->after);
	return false;
}

/*
 * Did an operation on the arena return @want and leave the arena as it was read
 * before? Prints what is wrong.
 */
static bool returned_unchanged(struct kunit *test, long ret, long want)
{
	struct arena *arena = test->priv;

	arena_read(test, &arena->after);
	if (ret != want)
		kunit_err(test, "returned %ld instead of %ld\n", ret, want);

	return arena_unchanged(test) && ret == want;
}

/*
 * Assert that the operation returns the error and changes nothing. The other
 * arguments are a format and its arguments, which name the operation.
 */
#define ASSERT_REFUSED(_test, _op, _error, ...)					\
do {										\
	struct kunit *__test = (_test);						\
	struct arena *__arena = __test->priv;					\
	long __ret;								\
										\
	arena_read(__test, &__arena->before);					\
	__ret = (_op);								\
	KUNIT_ASSERT_TRUE_MSG(__test,						\
			      returned_unchanged(__test, __ret, _error),	\
			      __VA_ARGS__);					\
} while (0)

/* Assert the seals of the arena. # stands for the given seals. */
#define ASSERT_LAYOUT(_test, _want, _seals)					\
do {										\
	struct kunit *__test = (_test);						\
	struct arena *__arena = __test->priv;					\
	char __want[sizeof("seal ") + SHORT_LEN];				\
										\
	snprintf(__want, sizeof(__want), "seal %s", _want);			\
	strreplace(__want, '#', seals_to_char(_seals));				\
	KUNIT_ASSERT_MM_LAYOUT(__test, &__arena->area, __want);			\
} while (0)

/* The flags of a call of mseal(), and the seal bits that it has to set. */
struct seal {
	const char *name;
	bool unsealed;
	unsigned long flags;
	vm_flags_t bits;
};

#define BITS_MAP	VM_SEAL_MAP
#define BITS_PROT	VM_SEAL_PROT
#define BITS_DISCARD	(VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD)

static const struct seal seals[] = {
	{ "unsealed",		.unsealed = true },
	{ "0",			.flags = 0,
	  .bits = VM_SEAL_MAP | VM_SEAL_PROT | VM_SEAL_DISCARD_WEAK },
	{ "MAP",		.flags = MSEAL_MAP,
	  .bits = BITS_MAP },
	{ "PROT",		.flags = MSEAL_PROT,
	  .bits = BITS_PROT },
	{ "MAP|PROT",		.flags = MSEAL_MAP | MSEAL_PROT,
	  .bits = BITS_MAP | BITS_PROT },
	{ "DISCARD",		.flags = MSEAL_DISCARD,
	  .bits = BITS_DISCARD },
	{ "MAP|DISCARD",	.flags = MSEAL_MAP | MSEAL_DISCARD,
	  .bits = BITS_MAP | BITS_DISCARD },
	{ "PROT|DISCARD",	.flags = MSEAL_PROT | MSEAL_DISCARD,
	  .bits = BITS_PROT | BITS_DISCARD },
	{ "MAP|PROT|DISCARD",	.flags = MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD,
	  .bits = BITS_MAP | BITS_PROT | BITS_DISCARD },
};

/* Parameters with and without the unsealed one. */
KUNIT_ARRAY_PARAM_DESC(seal_or_not, seals, name);

static const void *seal_gen_params(struct kunit *test, const void *prev, char *desc)
{
	return seal_or_not_gen_params(test, prev ?: &seals[0], desc);
}

/* Seal pages [first, end) of the arena. */
static int seal_pages(struct kunit *test, int first, int end, unsigned long flags)
{
	return kunit_mm_syscall(mseal, page_addr(test, first),
				(end - first) * PAGE_SIZE, flags);
}

static void arena_seal(struct kunit *test, int first, int end,
		       const struct seal *seal)
{
	if (!seal->unsealed)
		KUNIT_ASSERT_EQ(test, 0, seal_pages(test, first, end, seal->flags));
}

/* What mseal() returns for invalid arguments, and in which order it checks. */
static void mseal_arguments(struct kunit *test)
{
	const struct seal *seal;
	unsigned long addr;
	int bit;

	arena_map(test, "wwww", ANON);
	addr = page_addr(test, 0);

	/* Unknown flags, before anything else. */
	for (bit = 3; bit < BITS_PER_LONG; bit++) {
		const unsigned long unknown = 1UL << bit;

		for (seal = &seals[1]; seal < &seals[ARRAY_SIZE(seals)]; seal++) {
			const unsigned long flags = seal->flags | unknown;

			ASSERT_REFUSED(test, kunit_mm_syscall(mseal, addr, PAGE_SIZE, flags),
				       -EINVAL, "flags 0x%lx", flags);
			KUNIT_ASSERT_EQ(test, -EINVAL, kunit_mm_syscall(mseal, 0, 0, flags));
			KUNIT_ASSERT_EQ(test, -EINVAL,
					kunit_mm_syscall(mseal, arena_end(test), PAGE_SIZE, flags));
		}
	}
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, addr, PAGE_SIZE, ~0UL), -EINVAL, "all flags");
	KUNIT_ASSERT_EQ(test, -EINVAL, kunit_mm_syscall(mseal, 0, 0, ~0UL));

	/* Known flags without a range: the probe. */
	for (seal = &seals[1]; seal < &seals[ARRAY_SIZE(seals)]; seal++)
		ASSERT_REFUSED(test, kunit_mm_syscall(mseal, 0, 0, seal->flags), 0,
			       "flags 0x%lx", seal->flags);

	/* Alignment is checked before the length and before the mappings. */
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, addr + 1, PAGE_SIZE, 0), -EINVAL, "addr + 1");
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, addr + 1, 0, 0), -EINVAL,
		       "addr + 1, no length");
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, arena_end(test) + 1, PAGE_SIZE, 0), -EINVAL,
		       "unmapped + 1");

	/* Ranges that wrap around the end of the address space. */
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, addr, ULONG_MAX, 0), -EINVAL, "ULONG_MAX");
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, addr, -addr, 0), -EINVAL, "up to 0");
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, addr, -PAGE_SIZE, 0), -EINVAL, "around 0");

	/* Without a length there is nothing to do at any address. */
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, addr, 0, 0), 0, "no length");
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, arena_end(test), 0, 0), 0,
		       "no length, unmapped");

	/* Nothing is mapped there. */
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, arena_end(test), PAGE_SIZE, 0), -ENOMEM,
		       "unmapped");
	ASSERT_REFUSED(test, kunit_mm_syscall(mseal, 0, PAGE_SIZE, 0), -ENOMEM, "NULL");

	/* The length is rounded up, the address range is not. */
	ASSERT_LAYOUT(test, "|....|", 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_syscall(mseal, addr, 1, MSEAL_MAP));
	ASSERT_LAYOUT(test, "|1|...|", 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_syscall(mseal, addr, PAGE_SIZE, MSEAL_MAP));
	ASSERT_LAYOUT(test, "|1|...|", 0);
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_syscall(mseal, addr, PAGE_SIZE + 1, MSEAL_MAP));
	ASSERT_LAYOUT(test, "|11|..|", 0);
}

/* Each set of flags sets exactly its bits, on exactly the pages of the range. */
static void mseal_seals(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	enum backing backing;

	KUNIT_ASSERT_FALSE(test, vma_attr_mm_sealed(current->mm));

	for (backing = 0; backing < NR_BACKINGS; backing++) {
		/* Inside a VMA. */
		arena_map(test, "wwwwww", backing);
		arena_seal(test, 2, 4, seal);
		ASSERT_LAYOUT(test, "|..|##|..|", seal->bits);
		KUNIT_ASSERT_TRUE(test, vma_attr_mm_sealed(current->mm));

		/* At its start. */
		arena_map(test, "wwwwww", backing);
		arena_seal(test, 0, 2, seal);
		ASSERT_LAYOUT(test, "|##|....|", seal->bits);

		/* At its end. */
		arena_map(test, "wwwwww", backing);
		arena_seal(test, 5, 6, seal);
		ASSERT_LAYOUT(test, "|.....|#|", seal->bits);

		/* All of it. */
		arena_map(test, "rrwwrr", backing);
		arena_seal(test, 2, 4, seal);
		ASSERT_LAYOUT(test, "|..|##|..|", seal->bits);

		/* Over several, with the outer ones in part. */
		arena_map(test, "wwwrrrwww", backing);
		arena_seal(test, 2, 7, seal);
		ASSERT_LAYOUT(test, "|..|#|###|#|..|", seal->bits);
		assert_contents_kept(test, "mseal");
	}
}

/* With a gap in the range, nothing is sealed and nothing is split. */
static void mseal_gaps(struct kunit *test)
{
	static const struct {
		int first, end;
	} ranges[] = {
		/* nothing is mapped */
		{ 0, 2 }, { 6, 8 }, { 12, 14 },
		/* at the start, in the middle, at the end, all of them */
		{ 1, 4 }, { 7, 12 }, { 2, 12 }, { 5, 9 }, { 2, 7 }, { 10, 13 },
		{ 0, 14 },
	};
	const struct seal *seal = test->param_value;
	int i;

	arena_map(test, "  wwww  rrrr", ANON);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		ASSERT_REFUSED(test, seal_pages(test, ranges[i].first, ranges[i].end,
						seal->flags),
			       -ENOMEM, "pages %d to %d", ranges[i].first,
			       ranges[i].end);
	ASSERT_LAYOUT(test, "  |....|  |....|", 0);
	KUNIT_ASSERT_FALSE(test, vma_attr_mm_sealed(current->mm));
}

/* Borders vanish exactly where the seals on both sides become equal. */
static void mseal_merges(struct kunit *test)
{
	const unsigned long all = MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD;
	const struct seal *seal = test->param_value;
	enum backing backing;

	for (backing = 0; backing < NR_BACKINGS; backing++) {
		/* With the left neighbour, the right one, both. */
		arena_map(test, "wwwwwwww", backing);
		arena_seal(test, 1, 2, seal);
		arena_seal(test, 2, 3, seal);
		ASSERT_LAYOUT(test, "|.|##|.....|", seal->bits);
		arena_seal(test, 6, 7, seal);
		arena_seal(test, 5, 6, seal);
		ASSERT_LAYOUT(test, "|.|##|..|##|.|", seal->bits);
		arena_seal(test, 3, 5, seal);
		ASSERT_LAYOUT(test, "|.|######|.|", seal->bits);

		/* Around what was sealed earlier. */
		arena_map(test, "wwwwwwww", backing);
		arena_seal(test, 3, 5, seal);
		arena_seal(test, 1, 7, seal);
		ASSERT_LAYOUT(test, "|.|######|.|", seal->bits);

		/* Two at once, and with both neighbours. */
		arena_map(test, "wwwwwwww", backing);
		KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 0, 2, all));
		arena_seal(test, 4, 6, seal);
		KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 6, 8, all));
		KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 2, 6, all));
		ASSERT_LAYOUT(test, "|ffffffff|", 0);

		arena_map(test, "wwwwwwww", backing);
		arena_seal(test, 3, 5, seal);
		arena_seal(test, 1, 7, seal);

		/* Again, and a part of it again: no change. */
		ASSERT_REFUSED(test, seal_pages(test, 1, 7, seal->flags), 0, "again");
		ASSERT_REFUSED(test, seal_pages(test, 2, 5, seal->flags), 0,
			       "a part again");

		/* Never with another protection or across a gap. */
		arena_map(test, "wwrr ww", backing);
		arena_seal(test, 0, 2, seal);
		arena_seal(test, 2, 4, seal);
		arena_seal(test, 5, 7, seal);
		ASSERT_LAYOUT(test, "|##|##| |##|", seal->bits);
		assert_contents_kept(test, "mseal");
	}
}

/* Assert that each run of pages with equal seals is a VMA. */
static void assert_runs(struct kunit *test, const char *cells)
{
	char want[SHORT_LEN], *p = want;
	int i;

	for (i = 0; cells[i]; i++) {
		if (!i || cells[i] != cells[i - 1])
			*p++ = '|';
		*p++ = cells[i];
	}
	*p++ = '|';
	*p = '\0';
	ASSERT_LAYOUT(test, want, 0);
}

/* Two seals add up: overlapping, side by side, one inside the other. */
static void mseal_accumulates(struct kunit *test)
{
	const struct seal *seal = test->param_value, *other;

	for (other = &seals[1]; other < &seals[ARRAY_SIZE(seals)]; other++) {
		const char a = seals_to_char(seal->bits);
		const char b = seals_to_char(other->bits);
		const char ab = seals_to_char(seal->bits | other->bits);

		arena_map(test, "wwwwww", ANON);
		arena_seal(test, 1, 4, seal);
		arena_seal(test, 3, 5, other);
		assert_runs(test, (char []){ '.', a, a, ab, b, '.', '\0' });

		arena_map(test, "wwwwww", ANON);
		arena_seal(test, 1, 3, seal);
		arena_seal(test, 3, 5, other);
		assert_runs(test, (char []){ '.', a, a, b, b, '.', '\0' });

		arena_map(test, "wwwwww", ANON);
		arena_seal(test, 0, 6, seal);
		arena_seal(test, 2, 4, other);
		assert_runs(test, (char []){ a, a, ab, ab, a, a, '\0' });

		arena_map(test, "wwwwww", ANON);
		arena_seal(test, 2, 4, seal);
		arena_seal(test, 0, 6, other);
		assert_runs(test, (char []){ b, b, ab, ab, b, b, '\0' });
	}
}

/* At vm.max_map_count mseal() seals the whole range or nothing. */
static void mseal_max_map_count(struct kunit *test)
{
	const int old_max = sysctl_max_map_count;
	const struct seal *seal = test->param_value;
	int room, ret;

	for (room = 0; room <= 2; room++) {
		struct arena *arena = test->priv;

		arena_map(test, "rrwwwwrr", ANON);
		arena_read(test, &arena->before);
		WRITE_ONCE(sysctl_max_map_count, current->mm->map_count + room);
		ret = seal_pages(test, 3, 5, seal->flags);
		WRITE_ONCE(sysctl_max_map_count, old_max);

		if (room == 2) {
			KUNIT_ASSERT_EQ(test, 0, ret);
			ASSERT_LAYOUT(test, "|..|.|##|.|..|", seal->bits);
			break;
		}
		arena_read(test, &arena->after);
		KUNIT_ASSERT_EQ_MSG(test, -ENOMEM, ret, "room for %d", room);
		KUNIT_ASSERT_TRUE_MSG(test,
				      arena_unchanged(test), "room for %d", room);
		ASSERT_LAYOUT(test, "|..|....|..|", 0);
	}
}

/* At vm.max_map_count sealing page by page moves the border, as in mainline. */
static void mseal_moves_border(struct kunit *test)
{
	const int old_max = sysctl_max_map_count;
	const struct seal *seal = test->param_value;
	enum backing backing;
	int page, ret = 0;

	for (backing = 0; backing < NR_BACKINGS; backing++) {
		/* Up from the first page. */
		arena_map(test, "wwwwwwww", backing);
		arena_seal(test, 0, 1, seal);
		WRITE_ONCE(sysctl_max_map_count, current->mm->map_count);
		for (page = 1; page < 7 && !ret; page++)
			ret = seal_pages(test, page, page + 1, seal->flags);
		WRITE_ONCE(sysctl_max_map_count, old_max);
		KUNIT_ASSERT_EQ_MSG(test, 0, ret, "before page %d", page);
		ASSERT_LAYOUT(test, "|#######|.|", seal->bits);

		/* Down from the last one, in ranges that overlap. */
		arena_map(test, "wwwwwwww", backing);
		arena_seal(test, 7, 8, seal);
		WRITE_ONCE(sysctl_max_map_count, current->mm->map_count);
		for (page = 6; page > 0 && !ret; page--)
			ret = seal_pages(test, page, page + 1, seal->flags);
		WRITE_ONCE(sysctl_max_map_count, old_max);
		KUNIT_ASSERT_EQ_MSG(test, 0, ret, "after page %d", page);
		ASSERT_LAYOUT(test, "|.|#######|", seal->bits);
		assert_contents_kept(test, "mseal");
	}
}

/* MSEAL_DISCARD is refused for MAP_DROPPABLE: the kernel may drop it any time. */
static void mseal_droppable(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	unsigned long addr;

	arena_map(test, "ww  ww", ANON);
	addr = vm_mmap(NULL, page_addr(test, 2), 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_DROPPABLE | MAP_ANONYMOUS | MAP_FIXED, 0);
	KUNIT_ASSERT_EQ(test, addr, page_addr(test, 2));

	if (seal->flags & MSEAL_DISCARD) {
		ASSERT_REFUSED(test, seal_pages(test, 2, 4, seal->flags), -EINVAL,
			       "droppable");
		ASSERT_REFUSED(test, seal_pages(test, 1, 5, seal->flags), -EINVAL,
			       "droppable among others");
	} else {
		arena_seal(test, 1, 5, seal);
		ASSERT_LAYOUT(test, "|.|#|##|#|.|", seal->bits);
	}
}

/* A mapping whose operations have open() and close(), as that of SysV shm has. */

static unsigned int nr_opened, nr_closed;

static void count_open(struct vm_area_struct *vma)
{
	nr_opened++;
}

static void count_close(struct vm_area_struct *vma)
{
	nr_closed++;
}

static const struct vm_operations_struct close_vm_ops = {
	.open	= count_open,
	.close	= count_close,
};

static int close_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &close_vm_ops;
	return 0;
}

/* Makes mremap() move its mappings alone, too. */
static unsigned long close_get_unmapped_area(struct file *file, unsigned long addr,
					     unsigned long len, unsigned long pgoff,
					     unsigned long flags)
{
	return mm_get_unmapped_area(file, addr, len, pgoff, flags);
}

static const struct file_operations close_fops = {
	.mmap			= close_mmap,
	.get_unmapped_area	= close_get_unmapped_area,
};

/* Map it at an address. Returns the address or an error. */
static unsigned long map_close(struct kunit *test, unsigned long addr, unsigned long len)
{
	struct file *file;
	unsigned long ret;

	file = anon_inode_getfile("[vma_attr_close]", &close_fops, NULL, O_RDWR);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	ret = vm_mmap(file, addr, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 0);
	fput(file);

	return ret;
}

/*
 * Sealed bit by bit, its pieces join, as in mainline: a border is moved, and no VMA
 * is closed. The last piece is a whole VMA, so it would be closed: it stays apart.
 */
static void mseal_close(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	unsigned long addr;
	int page;

	arena_map(test, "", ANON);
	addr = page_addr(test, 0);
	KUNIT_ASSERT_EQ(test, addr, map_close(test, addr, 8 * PAGE_SIZE));
	nr_opened = 0;
	nr_closed = 0;

	/* Two splits around the first piece, then up and down from there. */
	for (page = 3; page < 7; page++)
		arena_seal(test, page, page + 1, seal);
	ASSERT_LAYOUT(test, "|...|####|.|", seal->bits);
	for (page = 2; page > 0; page--)
		arena_seal(test, page, page + 1, seal);
	ASSERT_LAYOUT(test, "|.|######|.|", seal->bits);
	KUNIT_EXPECT_EQ(test, 2, nr_opened);

	arena_seal(test, 7, 8, seal);
	arena_seal(test, 0, 1, seal);
	ASSERT_LAYOUT(test, "|#|######|#|", seal->bits);
	KUNIT_EXPECT_EQ(test, 2, nr_opened);
	KUNIT_EXPECT_EQ(test, 0, nr_closed);
}

/*
 * Operations on sealed memory.
 */

static long op_munmap(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(munmap, addr, len);
}

static long op_mmap(struct kunit *test, unsigned long addr, unsigned long len)
{
	return vm_mmap(NULL, addr, len, PROT_READ,
		       MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, 0);
}

static long op_mremap_same(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(mremap, addr, len, len, 0, 0);
}

static long op_mremap_shrink(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(mremap, addr, len, len - PAGE_SIZE, 0, 0);
}

static long op_mremap_expand(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(mremap, addr, len, len + PAGE_SIZE, MREMAP_MAYMOVE, 0);
}

static long op_mremap_move(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(mremap, addr, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
		       page_addr(test, ARENA_DEST));
}

static long op_mremap_dontunmap(struct kunit *test, unsigned long addr,
				unsigned long len)
{
	return syscall(mremap, addr, len, len, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
}

static long op_mremap_copy(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(mremap, addr, 0, len, MREMAP_MAYMOVE, 0);
}

/* Move another mapping over it. */
static long op_mremap_over(struct kunit *test, unsigned long addr, unsigned long len)
{
	const unsigned long src = page_addr(test, ARENA_DEST);

	return syscall(mremap, src, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, addr);
}

static void prepare_mremap_over(struct kunit *test)
{
	const unsigned long src = page_addr(test, ARENA_DEST);

	KUNIT_ASSERT_EQ(test, src, vm_mmap(NULL, src, ARENA_PAGES * PAGE_SIZE,
					   PROT_READ | PROT_WRITE,
					   MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, 0));
}

static long op_remap_file_pages(struct kunit *test, unsigned long addr,
				unsigned long len)
{
	return syscall(remap_file_pages, addr, len, 0, 0, 0);
}

static long op_mprotect_none(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(mprotect, addr, len, PROT_NONE);
}

static long op_mprotect_read(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(mprotect, addr, len, PROT_READ);
}

static long op_mprotect_write(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(mprotect, addr, len, PROT_READ | PROT_WRITE);
}

#ifdef CONFIG_ARCH_HAS_PKEYS
static long op_pkey_mprotect(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(pkey_mprotect, addr, len, PROT_READ, -1);
}
#endif

#define DEFINE_OP_MADVISE(name, advice)						\
static long op_madvise_##name(struct kunit *test, unsigned long addr,		\
			      unsigned long len)				\
{										\
	return syscall(madvise, addr, len, advice);				\
}

DEFINE_OP_MADVISE(dontneed, MADV_DONTNEED)
DEFINE_OP_MADVISE(dontneed_locked, MADV_DONTNEED_LOCKED)
DEFINE_OP_MADVISE(free, MADV_FREE)
DEFINE_OP_MADVISE(remove, MADV_REMOVE)
DEFINE_OP_MADVISE(dontfork, MADV_DONTFORK)
DEFINE_OP_MADVISE(dofork, MADV_DOFORK)
DEFINE_OP_MADVISE(wipeonfork, MADV_WIPEONFORK)
DEFINE_OP_MADVISE(keeponfork, MADV_KEEPONFORK)
DEFINE_OP_MADVISE(guard_install, MADV_GUARD_INSTALL)
DEFINE_OP_MADVISE(guard_remove, MADV_GUARD_REMOVE)
DEFINE_OP_MADVISE(random, MADV_RANDOM)
DEFINE_OP_MADVISE(willneed, MADV_WILLNEED)
DEFINE_OP_MADVISE(dontdump, MADV_DONTDUMP)

/* So that MADV_DOFORK has something to do; tests may write the flag themselves. */
static void prepare_dofork(struct kunit *test)
{
	VMA_ITERATOR(vmi, current->mm, page_addr(test, 4));
	struct vm_area_struct *vma;

	mmap_write_lock(current->mm);
	for_each_vma_range(vmi, vma, page_addr(test, 8)) {
		vma_start_write(vma);
		vm_flags_set(vma, VM_DONTCOPY);
	}
	/* Nobody asked about that: the check has to forget what was before. */
	vma_attr_check_exit(current->mm);
	vma_attr_check_seal(current->mm);
	mmap_write_unlock(current->mm);
}

static long op_mlock(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(mlock, addr, len);
}

static long op_munlock(struct kunit *test, unsigned long addr, unsigned long len)
{
	return syscall(munlock, addr, len);
}

/* What an operation changes, in the terms of the documentation. */
enum changes {
	CHANGES_PLACE		= BIT(0),	/* where it is and that it stays */
	CHANGES_PROT		= BIT(1),	/* what it permits */
	CHANGES_CONTENTS	= BIT(2),	/* contents, checked by mainline */
	CHANGES_CONTENTS_ELSE	= BIT(3),	/* contents, not checked by mainline */
	CHANGES_CHILD		= BIT(4),	/* that a child gets it */
};

#define ON_ANON		BIT(ANON)
#define ON_PRIVATE	(BIT(ANON) | BIT(PRIVATE_FILE))
#define ON_SHARED	BIT(SHARED_FILE)
#define ON_ANY		(ON_PRIVATE | ON_SHARED)

/**
 * struct op - An operation to try on sealed memory
 * @name: for messages
 * @run: carries it out
 * @changes: what it changes
 * @on: what it works on
 * @one_vma: it does not work on several VMAs at once
 * @prepare: called after the arena was mapped and sealed
 */
struct op {
	const char *name;
	long (*run)(struct kunit *test, unsigned long addr, unsigned long len);
	unsigned int changes;
	unsigned int on;
	bool one_vma;
	void (*prepare)(struct kunit *test);
};

static const struct op ops[] = {
	{ "munmap", op_munmap, CHANGES_PLACE, ON_ANY },
	{ "mmap over", op_mmap, CHANGES_PLACE, ON_ANY },
	{ "mremap same", op_mremap_same, CHANGES_PLACE, ON_ANY, .one_vma = true },
	{ "mremap shrink", op_mremap_shrink, CHANGES_PLACE, ON_ANY, .one_vma = true },
	{ "mremap expand", op_mremap_expand, CHANGES_PLACE, ON_ANY, .one_vma = true },
	{ "mremap move", op_mremap_move, CHANGES_PLACE, ON_ANY },
	{ "mremap copy", op_mremap_copy, CHANGES_PLACE, ON_SHARED, .one_vma = true },
	{ "mremap dontunmap", op_mremap_dontunmap,
	  CHANGES_PLACE | CHANGES_CONTENTS_ELSE, ON_ANY, .one_vma = true },
	{ "mremap over", op_mremap_over, CHANGES_PLACE, ON_ANY,
	  .prepare = prepare_mremap_over },
	{ "remap_file_pages", op_remap_file_pages, CHANGES_PLACE, ON_SHARED,
	  .one_vma = true },
	{ "mprotect none", op_mprotect_none, CHANGES_PROT, ON_ANY },
	{ "mprotect read", op_mprotect_read, CHANGES_PROT, ON_ANY },
	{ "mprotect write", op_mprotect_write, CHANGES_PROT, ON_ANY },
#ifdef CONFIG_ARCH_HAS_PKEYS
	{ "pkey_mprotect", op_pkey_mprotect, CHANGES_PROT, ON_ANY },
#endif
	{ "dontneed", op_madvise_dontneed, CHANGES_CONTENTS, ON_ANY },
	{ "dontneed locked", op_madvise_dontneed_locked, CHANGES_CONTENTS, ON_ANY },
	{ "free", op_madvise_free, CHANGES_CONTENTS, ON_ANON },
	{ "remove", op_madvise_remove, CHANGES_CONTENTS, ON_SHARED },
	{ "dontfork", op_madvise_dontfork, CHANGES_CHILD, ON_ANY },
	/* Brings the mapping back into children. */
	{ "dofork", op_madvise_dofork, 0, ON_ANY, .prepare = prepare_dofork },
	{ "wipeonfork", op_madvise_wipeonfork, CHANGES_CONTENTS, ON_ANON },
	{ "keeponfork", op_madvise_keeponfork, CHANGES_CONTENTS_ELSE, ON_ANY },
	{ "guard install", op_madvise_guard_install,
	  CHANGES_PROT | CHANGES_CONTENTS, ON_ANY },
	{ "guard remove", op_madvise_guard_remove, CHANGES_PROT, ON_ANY },
	{ "random", op_madvise_random, 0, ON_ANY },
	{ "willneed", op_madvise_willneed, 0, ON_SHARED | BIT(PRIVATE_FILE) },
	{ "dontdump", op_madvise_dontdump, 0, ON_ANY },
	{ "mlock", op_mlock, 0, ON_ANY },
	{ "munlock", op_munlock, 0, ON_ANY },
};

/* Does a seal have to refuse an operation? */
static bool refused(const struct op *op, const struct seal *seal,
		    enum backing backing, bool writable)
{
	const bool no_flags = !seal->unsealed && !seal->flags;
	const bool map = no_flags || (seal->flags & MSEAL_MAP);
	const bool prot = no_flags || (seal->flags & MSEAL_PROT);
	const bool discard = seal->flags & MSEAL_DISCARD;

	if ((op->changes & CHANGES_PLACE) && map)
		return true;
	if ((op->changes & CHANGES_PROT) && prot)
		return true;
	/* A caller with write access may discard the contents as well. */
	if (writable)
		return false;
	/* Without it a mapping cannot go missing in a child, of whatever kind it is. */
	if ((op->changes & CHANGES_CHILD) && map)
		return true;
	if ((op->changes & (CHANGES_CONTENTS | CHANGES_CONTENTS_ELSE)) && discard)
		return true;
	/* The weak discard rule: some operations, and anonymous memory only. */
	return (op->changes & CHANGES_CONTENTS) && no_flags && backing == ANON;
}

/* Ranges to operate on; pages 4 to 8 of the arena are sealed. */
static const struct {
	const char *name;
	int first, end;
	bool one_vma;
} op_ranges[] = {
	{ "all of it", 4, 8, .one_vma = true },
	{ "a part of it", 5, 7, .one_vma = true },
	{ "from the left into it", 2, 6 },
	{ "from it to the right", 6, 10 },
	{ "over it", 2, 10 },
};

static void try_op(struct kunit *test, const struct op *op, const struct seal *seal,
		   enum backing backing, bool writable, int range)
{
	const int first = op_ranges[range].first, end = op_ranges[range].end;
	unsigned long addr, len;
	long ret;

	arena_map(test, writable ? "wwwwwwwwwwww" : "wwwwrrrrwwww", backing);
	arena_seal(test, 4, 8, seal);
	if (op->prepare)
		op->prepare(test);

	addr = page_addr(test, first);
	len = (end - first) * PAGE_SIZE;

	if (refused(op, seal, backing, writable)) {
		ASSERT_REFUSED(test, op->run(test, addr, len), -EPERM,
			       "%s, %s %s, %s", op->name, backing_names[backing],
			       writable ? "writable" : "read-only",
			       op_ranges[range].name);
		assert_contents_kept(test, op->name);
	} else {
		ret = op->run(test, addr, len);
		KUNIT_ASSERT_GE_MSG(test, ret, 0, "%s, %s %s, %s", op->name,
				    backing_names[backing],
				    writable ? "writable" : "read-only",
				    op_ranges[range].name);
	}
}

static void try_op_everywhere(struct kunit *test, const struct op *op,
			      enum backing backing)
{
	int range;

	for (range = 0; range < ARRAY_SIZE(op_ranges); range++) {
		if (op->one_vma && !op_ranges[range].one_vma)
			continue;
		try_op(test, op, test->param_value, backing, true, range);
		try_op(test, op, test->param_value, backing, false, range);
	}
}

/*
 * Every operation on every kind of memory: on the sealed range, inside it and
 * across its borders. It succeeds, or it changes nothing.
 */
static void operations(struct kunit *test)
{
	enum backing backing;
	int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		for (backing = 0; backing < NR_BACKINGS; backing++) {
			if (ops[i].on & BIT(backing))
				try_op_everywhere(test, &ops[i], backing);
		}
	}
}

/* The sealed VMA is behind other VMAs and a gap. */
static void operations_gap(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	const bool map = seal->bits & VM_SEAL_MAP;
	unsigned long addr, len = 10 * PAGE_SIZE;

	/* mprotect() changes what is before the gap, and does not look behind it. */
	arena_map(test, "wwrrww  rr", ANON);
	arena_seal(test, 8, 10, seal);
	addr = page_addr(test, 0);
	KUNIT_ASSERT_EQ(test, -ENOMEM, op_mprotect_none(test, addr, len));
	ASSERT_LAYOUT(test, "|......|  |##|", seal->bits);

	/* A seal before the gap refuses all of it. */
	if (seal->bits & VM_SEAL_PROT) {
		arena_map(test, "wwrrww  rr", ANON);
		arena_seal(test, 4, 6, seal);
		addr = page_addr(test, 0);
		ASSERT_REFUSED(test, op_mprotect_none(test, addr, len), -EPERM,
			       "mprotect with a gap after the seal");
	}

	arena_map(test, "wwrrww  rr", ANON);
	arena_seal(test, 8, 10, seal);
	addr = page_addr(test, 0);

	if (map) {
		ASSERT_REFUSED(test, op_munmap(test, addr, len), -EPERM, "munmap");
		ASSERT_REFUSED(test, op_mmap(test, addr, len), -EPERM, "mmap over");
		ASSERT_REFUSED(test, op_mremap_move(test, addr, len), -EPERM,
			       "mremap of several");
		ASSERT_REFUSED(test, op_madvise_dontfork(test, addr, len), -EPERM,
			       "dontfork");
	}
	if (seal->bits & VM_SEAL_PROT)
		ASSERT_REFUSED(test, op_madvise_guard_install(test, addr, len),
			       -EPERM, "guard install");
	if (seal->bits & VM_SEAL_DISCARD_WEAK) {
		ASSERT_REFUSED(test, op_madvise_dontneed(test, addr, len), -EPERM,
			       "dontneed");
		ASSERT_REFUSED(test, op_madvise_wipeonfork(test, addr, len), -EPERM,
			       "wipeonfork");
	}
	assert_contents_kept(test, "refused operations");

	/* Operations that end before the seal are permitted. */
	KUNIT_ASSERT_EQ(test, 0, op_mprotect_none(test, addr, 6 * PAGE_SIZE));
	KUNIT_ASSERT_EQ(test, 0, op_munmap(test, addr, 8 * PAGE_SIZE));
	ASSERT_LAYOUT(test, "        |##|", seal->bits);
}

/* Several mappings are moved at once over a sealed one. */
static void mremap_several_over(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	unsigned long src, dst;
	long ret;

	/* From 0 to 6, over 10 to 16 with the seal on 15, where no VMA begins. */
	arena_map(test, "wwrrww    wwwwww", ANON);
	arena_seal(test, 15, 16, seal);
	src = page_addr(test, 0);
	dst = page_addr(test, 10);

	if (seal->bits & VM_SEAL_MAP) {
		ASSERT_REFUSED(test,
			       syscall(mremap, src, 6 * PAGE_SIZE, 6 * PAGE_SIZE,
				       MREMAP_MAYMOVE | MREMAP_FIXED, dst),
			       -EPERM, "mremap of several over a seal");
		assert_contents_kept(test, "mremap of several over a seal");
	} else {
		ret = syscall(mremap, src, 6 * PAGE_SIZE, 6 * PAGE_SIZE,
			      MREMAP_MAYMOVE | MREMAP_FIXED, dst);
		KUNIT_ASSERT_EQ(test, (unsigned long)ret, dst);
		ASSERT_LAYOUT(test, "          |..|..|..|", 0);
	}
}

/*
 * Several mappings are moved at once up to one that can only be moved alone. The
 * move ends there, as in mainline, and nobody asks about what is behind it.
 */
static void mremap_several_stops(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	unsigned long src, dst, alone;

	/* From 0 to 6, where 2 to 4 can only be moved alone, and 4 to 6 is sealed. */
	arena_map(test, "ww  rr", ANON);
	alone = page_addr(test, 2);
	KUNIT_ASSERT_EQ(test, alone, map_close(test, alone, 2 * PAGE_SIZE));
	arena_seal(test, 4, 6, seal);
	ASSERT_LAYOUT(test, "|..|..|##|", seal->bits);
	src = page_addr(test, 0);
	dst = page_addr(test, 10);

	KUNIT_ASSERT_EQ(test, -EFAULT,
			syscall(mremap, src, 6 * PAGE_SIZE, 6 * PAGE_SIZE,
				MREMAP_MAYMOVE | MREMAP_FIXED, dst));
	ASSERT_LAYOUT(test, "  |..|##|    |..|", seal->bits);
}

/* A move that shrinks must find a seal before it unmaps its destination. */
static void mremap_move_shrink(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	unsigned long src, dst;
	long ret;

	/* Pages 0 to 4 become 0 to 2 and move to 8. */
	arena_map(test, "wwrr    wwww", ANON);
	arena_seal(test, 2, 4, seal);
	src = page_addr(test, 0);
	dst = page_addr(test, 8);

	if (seal->bits & VM_SEAL_MAP) {
		ASSERT_REFUSED(test,
			       syscall(mremap, src, 4 * PAGE_SIZE, 2 * PAGE_SIZE,
				       MREMAP_MAYMOVE | MREMAP_FIXED, dst),
			       -EPERM, "mremap that moves and shrinks");
		assert_contents_kept(test, "mremap that moves and shrinks");
	} else {
		ret = syscall(mremap, src, 4 * PAGE_SIZE, 2 * PAGE_SIZE,
			      MREMAP_MAYMOVE | MREMAP_FIXED, dst);
		KUNIT_ASSERT_EQ(test, (unsigned long)ret, dst);
	}
}

/* A new mapping beside a sealed one is not sealed. */
static void mmap_beside(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	unsigned long addr;

	arena_map(test, "  ww  ww  ", ANON);
	arena_seal(test, 2, 4, seal);
	arena_seal(test, 6, 8, seal);

	addr = page_addr(test, 0);
	KUNIT_ASSERT_EQ(test, addr, vm_mmap(NULL, addr, 2 * PAGE_SIZE,
					    PROT_READ | PROT_WRITE,
					    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, 0));
	addr = page_addr(test, 4);
	KUNIT_ASSERT_EQ(test, addr, vm_mmap(NULL, addr, 2 * PAGE_SIZE,
					    PROT_READ | PROT_WRITE,
					    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, 0));
	addr = page_addr(test, 8);
	KUNIT_ASSERT_EQ(test, addr, vm_mmap(NULL, addr, 2 * PAGE_SIZE,
					    PROT_READ | PROT_WRITE,
					    MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, 0));
	ASSERT_LAYOUT(test, "|..|##|..|##|..|", seal->bits);
}

/* brk(): a sealed part of the heap stays, and the heap grows beside it. */
static void brk_sealed(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	struct mm_struct *mm = current->mm;
	unsigned long shrunk, heap, grown;

	arena_map(test, "", ANON);
	shrunk = page_addr(test, 2);
	heap = page_addr(test, 8);
	grown = page_addr(test, 10);

	mm->start_brk = page_addr(test, 0);
	mm->brk = mm->start_brk;
	KUNIT_ASSERT_EQ(test, (unsigned long)syscall(brk, heap), heap);
	arena_seal(test, 4, 8, seal);
	ASSERT_LAYOUT(test, "|....|####|", seal->bits);

	if (seal->bits & VM_SEAL_MAP) {
		ASSERT_REFUSED(test, syscall(brk, shrunk), heap, "shrinking brk");
		ASSERT_REFUSED(test, syscall(brk, page_addr(test, 6)), heap,
			       "shrinking brk in the seal");
		KUNIT_ASSERT_EQ(test, (unsigned long)syscall(brk, grown), grown);
		ASSERT_LAYOUT(test, "|....|####|..|", seal->bits);
		KUNIT_ASSERT_EQ(test, (unsigned long)syscall(brk, heap), heap);
		ASSERT_LAYOUT(test, "|....|####|", seal->bits);
	} else {
		KUNIT_ASSERT_EQ(test, (unsigned long)syscall(brk, shrunk), shrunk);
		ASSERT_LAYOUT(test, "|..|", 0);
	}
}

/* A seal survives the operations that it permits. */
static void seal_stays(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	const unsigned long two = 2 * PAGE_SIZE;
	unsigned long addr, dst;
	long ret;

	/* Split and merged for another flag. */
	arena_map(test, "wwwwww", ANON);
	arena_seal(test, 0, 6, seal);
	addr = page_addr(test, 2);
	KUNIT_ASSERT_EQ(test, 0, op_madvise_random(test, addr, two));
	ASSERT_LAYOUT(test, "|##|##|##|", seal->bits);
	KUNIT_ASSERT_EQ(test, 0, syscall(madvise, addr, two, MADV_NORMAL));
	ASSERT_LAYOUT(test, "|######|", seal->bits);

	/* Change its protection. */
	if (!(seal->bits & VM_SEAL_PROT)) {
		KUNIT_ASSERT_EQ(test, 0, op_mprotect_read(test, addr, two));
		ASSERT_LAYOUT(test, "|##|##|##|", seal->bits);
		KUNIT_ASSERT_EQ(test, 0, op_mprotect_write(test, addr, two));
		ASSERT_LAYOUT(test, "|######|", seal->bits);
	}

	/* Move it: the seal moves along, and nothing of it stays. */
	if (!(seal->bits & VM_SEAL_MAP)) {
		dst = page_addr(test, 8);
		ret = syscall(mremap, addr, two, two, MREMAP_MAYMOVE | MREMAP_FIXED, dst);
		KUNIT_ASSERT_EQ(test, (unsigned long)ret, dst);
		ASSERT_LAYOUT(test, "|##|  |##|  |##|", seal->bits);

		/* A new mapping at the same place is not sealed. */
		KUNIT_ASSERT_EQ(test, 0, op_munmap(test, dst, two));
		KUNIT_ASSERT_EQ(test, (long)dst, op_mmap(test, dst, two));
		ASSERT_LAYOUT(test, "|##|  |##|  |..|", seal->bits);
	}
}

/* fork() copies the seals. */
static void fork_keeps(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	struct arena *arena = test->priv;
	struct mm_struct *child;
	unsigned long start, end;
	int ret;

	arena_map(test, "wwrrwwrr", ANON);
	arena_seal(test, 2, 7, seal);
	ASSERT_LAYOUT(test, seal->unsealed ? "|..|..|..|..|" : "|..|##|##|#|.|",
		      seal->bits);
	start = page_addr(test, 0);
	end = page_addr(test, ARENA_PAGES);

	child = mm_alloc();
	KUNIT_ASSERT_NOT_NULL(test, child);
	ret = dup_mmap(child, current->mm);
	if (ret) {
		mmput(child);
		KUNIT_FAIL_AND_ABORT(test, "dup_mmap() returns %d", ret);
	}

	/* dup_mmap() does not copy the brk; fork() copies it with the struct. */
	child->brk = current->mm->brk;
	arena_read(test, &arena->before);
	kunit_mm_snapshot_read(child, start, arena_end(test), &arena->after);
	KUNIT_EXPECT_TRUE(test, arena_unchanged(test));

	KUNIT_EXPECT_EQ(test, vma_attr_mm_sealed(child), !seal->unsealed);
	mmap_read_lock(child);
	KUNIT_EXPECT_EQ(test,
			vma_attr_range_permits(child, start, end, VMA_ATTR_OP_UNMAP),
			!(seal->bits & VM_SEAL_MAP));
	KUNIT_EXPECT_EQ(test,
			vma_attr_range_permits(child, start, end, VMA_ATTR_OP_PROTECT),
			!(seal->bits & VM_SEAL_PROT));
	mmap_read_unlock(child);

	mmput(child);
}

/* LSMs see the flags that mseal() was called with. */
static void seals_told(struct kunit *test)
{
	const struct seal *seal = test->param_value;
	struct mm_struct *mm = current->mm;

	arena_map(test, "wwrrwwrr", ANON);
	arena_seal(test, 2, 6, seal);

	mmap_read_lock(mm);
	KUNIT_EXPECT_EQ(test, 0, vma_attr_seals(vma_lookup(mm, page_addr(test, 0))));
	KUNIT_EXPECT_EQ(test, seal->flags ?: MSEAL_MAP | MSEAL_PROT,
			vma_attr_seals(vma_lookup(mm, page_addr(test, 2))));
	mmap_read_unlock(mm);
}

static int vma_attr_test_init(struct kunit *test)
{
	struct arena *arena;

	arena = kunit_kzalloc(test, sizeof(*arena), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, arena);
	test->priv = arena;

	return kunit_mm_area_init(test, &arena->area, ARENA_PAGES, ARENA_PAGES);
}

static struct kunit_case vma_attr_test_cases[] = {
	KUNIT_CASE(mseal_arguments),
	KUNIT_CASE_PARAM(mseal_seals, seal_gen_params),
	KUNIT_CASE_PARAM(mseal_gaps, seal_gen_params),
	KUNIT_CASE_PARAM(mseal_merges, seal_gen_params),
	KUNIT_CASE_PARAM(mseal_accumulates, seal_gen_params),
	KUNIT_CASE_PARAM(mseal_max_map_count, seal_gen_params),
	KUNIT_CASE_PARAM(mseal_moves_border, seal_gen_params),
	KUNIT_CASE_PARAM(mseal_close, seal_gen_params),
	KUNIT_CASE_PARAM(mseal_droppable, seal_gen_params),
	KUNIT_CASE_PARAM(operations, seal_or_not_gen_params),
	KUNIT_CASE_PARAM(operations_gap, seal_gen_params),
	KUNIT_CASE_PARAM(mremap_several_over, seal_gen_params),
	KUNIT_CASE_PARAM(mremap_several_stops, seal_gen_params),
	KUNIT_CASE_PARAM(mremap_move_shrink, seal_gen_params),
	KUNIT_CASE_PARAM(mmap_beside, seal_gen_params),
	KUNIT_CASE_PARAM(brk_sealed, seal_gen_params),
	KUNIT_CASE_PARAM(seal_stays, seal_gen_params),
	KUNIT_CASE_PARAM(fork_keeps, seal_or_not_gen_params),
	KUNIT_CASE_PARAM(seals_told, seal_gen_params),
	{}
};

static struct kunit_suite vma_attr_test_suite = {
	.name = "vma_attr",
	.init = vma_attr_test_init,
	.test_cases = vma_attr_test_cases,
};

kunit_test_suite(vma_attr_test_suite);

MODULE_DESCRIPTION("KUnit tests for the VMA attribute lock");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
