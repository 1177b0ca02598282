// SPDX-License-Identifier: GPL-2.0-only

/*
 * Sequences of operations on mm/vma.c and mm/vma_attr.c. Each step is compared with
 * the reference model of mm/tests/vma_attr_model.h: the return value, every page,
 * every border, and what each operation is permitted to do next.
 *
 * A sequence is a string of bytes, four for each operation (see decode_op()), so
 * that a fuzzer can make them. It comes from the corpus in attr_corpus.h, from a
 * seed, or from libFuzzer through fuzz.c.
 *
 * The parts of mm/mprotect.c, mm/madvise.c and mm/mremap.c around mm/vma.c are
 * written here in their simplest form. If the model says that they refuse an
 * operation for another reason than a seal, there is nothing to test here, and the
 * operation is skipped.
 */

#include "../../../../mm/tests/vma_attr_model.h"

#define OP_BYTES	4
#define MAX_OPS		256

/* What may go wrong during an operation. */
enum trouble {
	NO_TROUBLE,
	NO_MEMORY,
	NO_SPLIT,	/* vm.max_map_count is reached */
	ONE_SPLIT,	/* ... after one more */
};

struct run {
	struct mm_struct mm;
	struct model model;
	/* Memory has run out, so there may be borders that are not necessary. */
	bool untidy;
	/* Print each step. */
	bool verbose;
	unsigned int step;
};

static const char * const op_names[NR_MODEL_OPS] = {
	[MODEL_MSEAL]			= "mseal",
	[MODEL_MPROTECT]		= "mprotect",
	[MODEL_MUNMAP]			= "munmap",
	[MODEL_MMAP]			= "mmap",
	[MODEL_MMAP_NOREPLACE]		= "mmap noreplace",
	[MODEL_MREMAP_RESIZE]		= "mremap resize",
	[MODEL_MREMAP_MOVE]		= "mremap move",
	[MODEL_MREMAP_DONTUNMAP]	= "mremap dontunmap",
	[MODEL_DONTNEED]		= "dontneed",
	[MODEL_FREE]			= "free",
	[MODEL_REMOVE]			= "remove",
	[MODEL_GUARD_REMOVE]		= "guard remove",
	[MODEL_MADV_DONTDUMP]		= "dontdump",
	[MODEL_MADV_DODUMP]		= "dodump",
	[MODEL_MADV_DONTFORK]		= "dontfork",
	[MODEL_MADV_DOFORK]		= "dofork",
	[MODEL_MADV_WIPEONFORK]		= "wipeonfork",
	[MODEL_MADV_KEEPONFORK]		= "keeponfork",
};

/* For each vma_attr_op, an operation for which the model answers the same. */
static const enum model_op_type modelled_as[NR_VMA_ATTR_OPS] = {
	[VMA_ATTR_OP_NONE]		= MODEL_MADV_DONTDUMP,
	[VMA_ATTR_OP_UNMAP]		= MODEL_MUNMAP,
	[VMA_ATTR_OP_REMAP]		= MODEL_MREMAP_MOVE,
	[VMA_ATTR_OP_REMAP_EMPTY]	= MODEL_MREMAP_DONTUNMAP,
	[VMA_ATTR_OP_PROTECT]		= MODEL_MPROTECT,
	[VMA_ATTR_OP_DONTFORK]		= MODEL_MADV_DONTFORK,
	[VMA_ATTR_OP_DISCARD]		= MODEL_DONTNEED,
	[VMA_ATTR_OP_WIPEONFORK]	= MODEL_MADV_WIPEONFORK,
	[VMA_ATTR_OP_KEEPONFORK]	= MODEL_MADV_KEEPONFORK,
	[VMA_ATTR_OP_GUARD_INSTALL]	= MODEL_GUARD_INSTALL,
	[VMA_ATTR_OP_GUARD_REMOVE]	= MODEL_GUARD_REMOVE,
	[VMA_ATTR_OP_UFFD_REGISTER]	= MODEL_UFFD_FILL,
	[VMA_ATTR_OP_UFFD_FILL]		= MODEL_UFFD_FILL,
	[VMA_ATTR_OP_UFFD_EMPTY]	= MODEL_UFFD_FILL,
	[VMA_ATTR_OP_ZEROCOPY]		= MODEL_ZEROCOPY,
};

/* The vma_attr_op for an operation of the model other than mseal() and mmap(). */
static enum vma_attr_op attr_op_for(enum model_op_type type)
{
	enum vma_attr_op op;

	if (type == MODEL_FREE || type == MODEL_REMOVE)
		return VMA_ATTR_OP_DISCARD;
	if (type == MODEL_MREMAP_RESIZE)
		return VMA_ATTR_OP_REMAP;
	for (op = 0; op < NR_VMA_ATTR_OPS; op++) {
		if (modelled_as[op] == type)
			return op;
	}
	return VMA_ATTR_OP_NONE;
}

/*
 * Four bytes: the operation; the first page and the number of pages, half a byte
 * each; the argument; the destination or page of the file and the trouble, half
 * a byte each.
 */
static enum trouble decode_op(const unsigned char *bytes, struct model_op *op)
{
	const unsigned int arg = bytes[2];
	unsigned int room;

	memset(op, 0, sizeof(*op));
	op->type = bytes[0] % NR_MODEL_OPS;
	op->first = bytes[1] & 0xf;
	op->end = op->first + 1 + (bytes[1] >> 4);
	if (op->end > MODEL_PAGES)
		op->end = MODEL_PAGES;
	op->dst = bytes[3] & 0xf;

	switch (op->type) {
	case MODEL_MSEAL:
		op->arg = arg & 0xf;	/* 8 is unknown */
		break;
	case MODEL_MPROTECT:
		op->arg = arg % 8;
		break;
	case MODEL_MMAP:
	case MODEL_MMAP_NOREPLACE:
		op->arg = arg % 8;
		op->backing = (arg / 8) % NR_MODEL_BACKINGS;
		op->pgoff = op->dst;
		break;
	case MODEL_MREMAP_RESIZE:
		room = MODEL_PAGES - op->first;
		op->new_pages = 1 + arg % room;
		break;
	case MODEL_MREMAP_MOVE:
	case MODEL_MREMAP_DONTUNMAP:
		room = MODEL_PAGES - op->dst;
		/* Most moves keep the size. */
		op->new_pages = arg & 0x80 ? 1 + arg % room : op->end - op->first;
		if (op->new_pages > room)
			op->new_pages = room;
		break;
	default:
		break;
	}

	/* Only these promise all or nothing even in trouble. */
	if ((op->type != MODEL_MSEAL && op->type != MODEL_MUNMAP) || bytes[3] < 0xd0)
		return NO_TROUBLE;
	return (bytes[3] >> 4) - 0xc;
}

static vm_flags_t seal_bits_of(const struct model_page *p)
{
	vm_flags_t seals = 0;

	if (p->seals & MODEL_MAP)
		seals |= VM_SEAL_MAP;
	if (p->seals & MODEL_PROT)
		seals |= VM_SEAL_PROT;
	if (p->seals & MODEL_DISCARD_WEAK)
		seals |= VM_SEAL_DISCARD_WEAK;
	if (p->seals & MODEL_DISCARD)
		seals |= VM_SEAL_DISCARD;
	return seals;
}

static vm_flags_t flags_of(const struct model_page *p)
{
	vm_flags_t flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

	if (p->prot & MODEL_READ)
		flags |= VM_READ;
	if (p->prot & MODEL_WRITE)
		flags |= VM_WRITE;
	if (p->prot & MODEL_EXEC)
		flags |= VM_EXEC;
	if (p->backing == MODEL_SHARED)
		flags |= VM_SHARED | VM_MAYSHARE;
	if (p->flags & MODEL_DONTDUMP)
		flags |= VM_DONTDUMP;
	if (p->flags & MODEL_DONTFORK)
		flags |= VM_DONTCOPY;
	if (p->flags & MODEL_WIPE)
		flags |= VM_WIPEONFORK;
	if (p->flags & MODEL_ACCOUNT)
		flags |= VM_ACCOUNT;
	return flags;
}

static int file_mmap_prepare(struct vm_area_desc *desc)
{
	return 0;
}

static const struct file_operations file_ops = {
	.mmap_prepare = file_mmap_prepare,
};

static struct address_space file_mapping;

static struct file the_file = {
	.f_mapping = &file_mapping,
	.f_op = &file_ops,
};

static int do_mmap_op(const struct model_op *op)
{
	struct model_page page = { .backing = op->backing, .prot = op->arg };
	const bool anon = op->backing == MODEL_ANON;
	const unsigned long addr = TEST_ADDR(op->first);
	unsigned long ret;

	ret = __mmap_region(anon ? NULL : &the_file, addr,
			    (op->end - op->first) * PAGE_SIZE,
			    legacy_to_vma_flags(flags_of(&page)),
			    anon ? addr >> PAGE_SHIFT : op->pgoff, NULL);
	return ret == addr ? 0 : (int)ret;
}

/*
 * What mprotect() and madvise() do to one VMA: it gets the flags of the model's
 * page and keeps its seals.
 */
static int change_flags(struct mm_struct *mm, const struct model_page *after,
			struct vm_area_struct *vma, unsigned long start,
			unsigned long end)
{
	VMA_ITERATOR(vmi, mm, vma->vm_start);
	const vm_flags_t old = vma->vm_flags;
	const vm_flags_t new = flags_of(after) | (old & VM_SEAL_ANY);
	vma_flags_t flags = legacy_to_vma_flags(new);
	struct vm_area_struct *prev;
	const long pages = (end - start) / PAGE_SIZE;

	if (old == new)
		return 0;

	vma_iter_load(&vmi);
	prev = vma_prev(&vmi);
	vma_iter_set(&vmi, start);
	vma = vma_modify_flags(&vmi, start > vma->vm_start ? vma : prev, vma,
			       start, end, &flags);
	if (IS_ERR(vma))
		return PTR_ERR(vma);
	vma_start_write(vma);
	vma->flags = flags;
	vm_stat_account(mm, old, -pages);
	vm_stat_account(mm, new, pages);
	return 0;
}

/* The walk of mprotect() and madvise(), with their permission checks. */
static int do_change_op(struct run *run, const struct model_op *op,
			const struct model *after)
{
	const bool protect = op->type == MODEL_MPROTECT;
	const enum vma_attr_op attr_op = attr_op_for(op->type);
	const unsigned long end = TEST_ADDR(op->end);
	unsigned long addr = TEST_ADDR(op->first), next;
	struct vm_area_struct *vma, *refusal = NULL;
	int err = 0, change_err;

	VMA_ITERATOR(vmi, &run->mm, addr);
	vma = vma_find(&vmi, end);
	if (vma && !protect && !vma_attr_permits_to(vma, end, attr_op))
		return -EPERM;
	if (vma && protect && vma->vm_start <= addr)
		refusal = vma_attr_find_refusal(vma, end, attr_op);

	for (; addr < end; addr = next) {
		vma = vma_lookup(&run->mm, addr);
		next = addr + PAGE_SIZE;
		if (!vma) {
			err = -ENOMEM;
			if (protect)
				break;
			continue;
		}
		next = min(vma->vm_end, end);
		/* mprotect() has asked already: it goes on for the error only. */
		if (protect ? vma == refusal : !vma_attr_permits(vma, attr_op))
			return -EPERM;
		if (refusal)
			continue;
		change_err = change_flags(&run->mm,
					  &after->page[(addr - TEST_BASE) / PAGE_SIZE],
					  vma, addr, next);
		if (change_err)
			return change_err;
	}
	return err;
}

/* Move or copy the mappings of a range; additional pages extend the last one. */
static int move_pages(struct run *run, const struct model_op *op)
{
	const unsigned int old_pages = op->end - op->first;
	const unsigned int pages = min(old_pages, op->new_pages);
	const unsigned long delta = TEST_ADDR(op->dst) - TEST_ADDR(op->first);
	const unsigned long more = (op->new_pages - pages) * PAGE_SIZE;
	const unsigned long end = TEST_ADDR(op->first + pages);
	const bool keep = op->type == MODEL_MREMAP_DONTUNMAP;
	unsigned long addr = TEST_ADDR(op->first), next, len;
	struct mm_struct *mm = &run->mm;
	bool need_rmap_locks;

	if (op->new_pages < old_pages &&
	    munmap_pages(mm, op->first + op->new_pages, op->end))
		return -EFAULT;

	for (; addr < end; addr = next) {
		struct vm_area_struct *vma = vma_lookup(mm, addr);
		const int first = (addr - TEST_BASE) / PAGE_SIZE;
		vm_flags_t flags;

		next = addr + PAGE_SIZE;
		if (!vma)
			continue;
		next = min(vma->vm_end, end);
		len = next - addr + (next == end ? more : 0);
		flags = vma->vm_flags;

		/* Unmap the destination of this VMA only; gaps unmap nothing. */
		if (munmap_pages(mm, first + op->dst - op->first,
				 first + op->dst - op->first + len / PAGE_SIZE))
			return -EFAULT;
		vma = vma_lookup(mm, addr);
		if (!copy_vma(&vma, addr + delta, len, linear_page_index(vma, addr),
			      __linear_anon_page_index(vma, addr),
			      &need_rmap_locks, keep))
			return -EFAULT;
		vm_stat_account(mm, flags, len / PAGE_SIZE);
		if (!keep && munmap_pages(mm, first, first + (next - addr) / PAGE_SIZE))
			return -EFAULT;
	}
	return 0;
}

static int grow(struct run *run, const struct model_op *op)
{
	const unsigned int pages = op->first + op->new_pages - op->end;
	struct mm_struct *mm = &run->mm;
	struct vm_area_struct *vma = vma_lookup(mm, TEST_ADDR(op->end - 1));

	VMA_ITERATOR(vmi, mm, vma->vm_end);
	vma = vma_merge_extend(&vmi, vma, pages * PAGE_SIZE);
	if (!vma)
		return -ENOMEM;
	vm_stat_account(mm, vma->vm_flags, pages);
	return 0;
}

/* mremap() with valid arguments. */
static int do_mremap_op(struct run *run, const struct model_op *op)
{
	struct vm_area_struct *vma = vma_lookup(&run->mm, TEST_ADDR(op->first));
	const enum vma_attr_op attr_op = attr_op_for(op->type);
	const unsigned int new_end = op->first + op->new_pages;
	unsigned int i;

	if (!vma_attr_permits(vma, attr_op))
		return -EPERM;

	if (op->type == MODEL_MREMAP_RESIZE) {
		if (new_end > op->end)
			return grow(run, op);
		return new_end == op->end ? 0 : munmap_pages(&run->mm, new_end, op->end);
	}

	if (op->end - op->first != op->new_pages) {
		if (!vma_attr_permits_to(vma, TEST_ADDR(op->end), VMA_ATTR_OP_UNMAP) ||
		    !vma_attr_range_permits(&run->mm, TEST_ADDR(op->dst),
					    TEST_ADDR(op->dst + op->new_pages),
					    VMA_ATTR_OP_UNMAP))
			return -EPERM;
		if (munmap_pages(&run->mm, op->dst, op->dst + op->new_pages))
			return -EFAULT;
		return move_pages(run, op);
	}

	if (!vma_attr_permits_to(vma, TEST_ADDR(op->end), attr_op))
		return -EPERM;
	for (i = 0; i < op->new_pages; i++) {
		if (!vma_lookup(&run->mm, TEST_ADDR(op->first + i)))
			continue;
		if (!vma_attr_range_permits(&run->mm, TEST_ADDR(op->dst + i),
					    TEST_ADDR(op->dst + i + 1),
					    VMA_ATTR_OP_UNMAP))
			return -EPERM;
	}
	return move_pages(run, op);
}

static int do_op(struct run *run, const struct model_op *op, const struct model *after)
{
	switch (op->type) {
	case MODEL_MSEAL:
		if (!vma_attr_mseal_flags_known(op->arg))
			return -EINVAL;
		return seal_pages(&run->mm, op->first, op->end, mseal_bits(op->arg));
	case MODEL_MUNMAP:
		return munmap_pages(&run->mm, op->first, op->end);
	case MODEL_MMAP:
	case MODEL_MMAP_NOREPLACE:
		return do_mmap_op(op);
	case MODEL_MREMAP_RESIZE:
	case MODEL_MREMAP_MOVE:
	case MODEL_MREMAP_DONTUNMAP:
		return do_mremap_op(run, op);
	default:
		return do_change_op(run, op, after);
	}
}

/* Do the page and the border before it agree with the model? */
static bool page_agrees(struct run *run, unsigned int i)
{
	struct vm_area_struct *vma = vma_lookup(&run->mm, TEST_ADDR(i));
	const struct model_page *p = &run->model.page[i];
	enum vma_attr_op op;
	unsigned long pgoff;
	bool border;

	ASSERT_EQ(!!vma, p->mapped);
	if (!vma)
		return true;

	ASSERT_EQ(vma->vm_flags & VM_SEAL_ANY, seal_bits_of(p));
	ASSERT_EQ(vma->vm_flags & ~VM_SEAL_ANY, flags_of(p));
	ASSERT_EQ(vma->vm_file, p->backing == MODEL_ANON ? NULL : &the_file);
	ASSERT_EQ(vma_is_anonymous(vma), p->backing == MODEL_ANON);
	pgoff = vma->vm_pgoff + i - (vma->vm_start - TEST_BASE) / PAGE_SIZE;
	ASSERT_EQ(pgoff, p->backing == MODEL_ANON ? TEST_ADDR(i) >> PAGE_SHIFT : p->pgoff);

	border = vma->vm_start == TEST_ADDR(i);
	if (!model_joined(&run->model, i))
		ASSERT_TRUE(border);
	else if (!run->untidy)
		ASSERT_FALSE(border);

	for (op = 0; op < NR_VMA_ATTR_OPS; op++)
		ASSERT_EQ(vma_attr_permits(vma, op), !model_refuses(p, modelled_as[op]));
	return true;
}

static bool mm_agrees(struct run *run)
{
	VMA_ITERATOR(vmi, &run->mm, 0);
	unsigned int i, pages = 0;
	struct vm_area_struct *vma;
	int count = 0;

	for (i = 0; i < MODEL_PAGES; i++) {
		if (!page_agrees(run, i)) {
			fprintf(stderr, "page %u\n", i);
			return false;
		}
		pages += run->model.page[i].mapped;
		if (!run->model.page[i].seals)
			continue;
		ASSERT_TRUE(vma_attr_mm_sealed(&run->mm));
		ASSERT_TRUE(TEST_ADDR(i) >= run->mm.seal_start);
		ASSERT_TRUE(TEST_ADDR(i + 1) <= run->mm.seal_end);
	}
	for_each_vma(vmi, vma)
		count++;
	ASSERT_EQ(count, run->mm.map_count);
	if (!run->untidy)
		ASSERT_EQ(count, (int)model_nr_vmas(&run->model));
	ASSERT_EQ(run->mm.total_vm, pages);
	return true;
}

/* Is the mapping that vma_attr_find_refusal() names the first that refuses? */
static bool refusal_is_first(struct run *run, unsigned int first,
			     unsigned int gap, enum vma_attr_op op)
{
	struct vm_area_struct *vma = vma_lookup(&run->mm, TEST_ADDR(first));
	unsigned int page = first;

	while (page < gap &&
	       !model_range_refuses(&run->model, page, page + 1, modelled_as[op]))
		page++;
	if (page == gap)
		return true;
	ASSERT_EQ(vma_attr_find_refusal(vma, TEST_ADDR(gap), op),
		  vma_lookup(&run->mm, TEST_ADDR(page)));
	return true;
}

/* Permission checks of a range, not only of its VMAs. */
static bool range_agrees(struct run *run, unsigned int first, unsigned int end)
{
	struct vm_area_struct *vma = vma_lookup(&run->mm, TEST_ADDR(first));
	unsigned int gap = first;
	enum vma_attr_op op;

	while (gap < end && run->model.page[gap].mapped)
		gap++;
	for (op = 0; op < NR_VMA_ATTR_OPS; op++) {
		ASSERT_EQ(vma_attr_range_permits(&run->mm, TEST_ADDR(first),
						 TEST_ADDR(end), op),
			  !model_range_refuses(&run->model, first, end, modelled_as[op]));
		if (!vma)
			continue;
		ASSERT_EQ(vma_attr_permits_to(vma, TEST_ADDR(end), op),
			  !model_range_refuses(&run->model, first, end, modelled_as[op]));
		ASSERT_EQ(!vma_attr_find_refusal(vma, TEST_ADDR(end), op),
			  !model_range_refuses(&run->model, first, gap, modelled_as[op]));
		ASSERT_TRUE(refusal_is_first(run, first, gap, op));
	}
	return true;
}

static void print_step(struct run *run, const struct model_op *op,
		       enum trouble trouble, int want, int got)
{
	char layout[LAYOUT_LEN];

	layout_write(&run->mm, layout);
	fprintf(stderr, "%3u: %s %u-%u arg 0x%x backing %d pgoff %u to %u pages %u%s: ",
		run->step, op_names[op->type], op->first, op->end, op->arg,
		op->backing, op->pgoff, op->dst, op->new_pages,
		trouble == NO_TROUBLE ? "" : trouble == NO_MEMORY ? ", no memory" :
		", no split");
	fprintf(stderr, "%d, the model has %d\n     %s\n", got, want, layout);
}

static bool run_step(struct run *run, const unsigned char *bytes)
{
	struct model after = run->model;
	enum trouble trouble;
	struct model_op op;
	bool good, exact = false;
	unsigned int room = 2;
	int want, got;

	trouble = decode_op(bytes, &op);
	want = model_apply(&after, &op);
	/* Errors from files that are not compiled in. */
	if (want == MODEL_NO_ANSWER || want == -EFAULT || want == -EEXIST ||
	    want == -EACCES || (want == -EINVAL && op.type != MODEL_MSEAL) ||
	    (want == -ENOMEM && op.type == MODEL_MREMAP_RESIZE))
		return true;

	fail_prealloc = trouble == NO_MEMORY;
	if (trouble == NO_SPLIT || trouble == ONE_SPLIT) {
		room = trouble - NO_SPLIT;
		sysctl_max_map_count = run->mm.map_count + room;
	}
	/* Without odd borders the model knows how many mappings mseal() needs. */
	if (op.type == MODEL_MSEAL && !want && !run->untidy && trouble != NO_MEMORY) {
		exact = true;
		if (model_mseal_splits(&run->model, &op) > room) {
			want = -ENOMEM;
			after = run->model;
		}
	}
	got = do_op(run, &op, &after);
	fail_prealloc = false;
	sysctl_max_map_count = DEFAULT_MAX_MAP_COUNT;

	if (trouble == NO_MEMORY)
		run->untidy = true;
	/* In trouble an error is fine, but nothing may have changed then. */
	good = got == want || (trouble != NO_TROUBLE && !exact && got == -ENOMEM);
	if (got == want)
		run->model = after;
	good = good && mm_agrees(run) && range_agrees(run, op.first, op.end);
	if (!good || run->verbose)
		print_step(run, &op, trouble, want, got);
	run->step++;
	return good;
}

/* Carry out a sequence; false if kernel and model disagree in a step. */
static bool run_sequence(const unsigned char *bytes, size_t size, bool verbose)
{
	struct run run = { .verbose = verbose };
	size_t at;
	bool good;

	good = map_layout(&run.mm, "");
	for (at = 0; good && at + OP_BYTES <= size; at += OP_BYTES)
		good = run_step(&run, bytes + at);
	unmap_layout(&run.mm);
	return good;
}

/* If a sequence fails, print all of its steps and a line for the corpus. */
static bool check_sequence(const unsigned char *bytes, size_t size)
{
	size_t i;

	if (size > MAX_OPS * OP_BYTES)
		size = MAX_OPS * OP_BYTES;
	if (run_sequence(bytes, size, false))
		return true;

	fprintf(stderr, "The sequence, from the start:\n");
	run_sequence(bytes, size, true);
	fprintf(stderr, "As a line of tests/attr_corpus.h:\n\t\"");
	for (i = 0; i < size; i++)
		fprintf(stderr, "%02x", bytes[i]);
	fprintf(stderr, "\",\n");
	return false;
}

static const char * const attr_corpus[] = {
#include "attr_corpus.h"
};

static size_t from_hex(const char *hex, unsigned char *bytes, size_t max)
{
	size_t size = 0;
	unsigned int byte;

	for (; size < max && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		bytes[size++] = byte;
	return *hex ? 0 : size;
}

/* Sequences that a fuzzer has found, see fuzz.c. */
static bool test_attr_corpus(void)
{
	unsigned char bytes[MAX_OPS * OP_BYTES];
	size_t i, size;

	for (i = 0; i < ARRAY_SIZE(attr_corpus); i++) {
		size = from_hex(attr_corpus[i], bytes, sizeof(bytes));
		if (!size) {
			fprintf(stderr, "line %zu is not hex or too long\n", i + 1);
			return false;
		}
		ASSERT_TRUE(check_sequence(bytes, size));
	}
	return true;
}

/* Add an operation to a sequence; returns its new size. */
static size_t add_op(unsigned char *bytes, size_t size, enum model_op_type type,
		     unsigned int first, unsigned int pages, unsigned int arg,
		     unsigned int dst)
{
	bytes[size++] = type;
	bytes[size++] = (pages - 1) << 4 | first;
	bytes[size++] = arg;
	bytes[size++] = dst;
	return size;
}

/* Each of three neighbours is not sealed (-1), or sealed with these flags. */
static const int neighbour_flags[] = { -1, 0, 1, 2, 4, 7 };

#define NR_NEIGHBOUR_FLAGS	ARRAY_SIZE(neighbour_flags)

/* Operations on the middle one, on the first two, on all three. */
static const struct {
	enum model_op_type type;
	unsigned int arg;
} neighbour_ops[] = {
	{ MODEL_MSEAL, 0 },
	{ MODEL_MSEAL, MODEL_MAP },
	{ MODEL_MSEAL, MODEL_PROT },
	{ MODEL_MSEAL, MODEL_DISCARD },
	{ MODEL_MPROTECT, MODEL_READ },
	{ MODEL_MUNMAP, 0 },
	{ MODEL_MMAP, MODEL_READ | MODEL_WRITE },
	{ MODEL_MREMAP_RESIZE, 0 },
	{ MODEL_MREMAP_RESIZE, 4 },
	{ MODEL_MREMAP_MOVE, 0 },
	{ MODEL_MREMAP_DONTUNMAP, 0 },
	{ MODEL_MADV_DONTDUMP, 0 },
	{ MODEL_MADV_DONTFORK, 0 },
	{ MODEL_MADV_DOFORK, 0 },
	{ MODEL_MADV_WIPEONFORK, 0 },
};

#define FIRST_NEIGHBOUR	4

static bool try_neighbours(unsigned int mix, enum model_backing backing,
			   unsigned int nr_op, unsigned int first, unsigned int pages)
{
	const enum model_op_type type = neighbour_ops[nr_op].type;
	const unsigned int map_arg = (MODEL_READ | MODEL_WRITE) + 8 * backing;
	unsigned int arg = neighbour_ops[nr_op].arg, i;
	unsigned char bytes[8 * OP_BYTES];
	size_t size = 0;

	size = add_op(bytes, size, MODEL_MMAP, FIRST_NEIGHBOUR, 3, map_arg,
		      FIRST_NEIGHBOUR);
	for (i = 0; i < 3; i++, mix /= NR_NEIGHBOUR_FLAGS) {
		if (neighbour_flags[mix % NR_NEIGHBOUR_FLAGS] < 0)
			continue;
		size = add_op(bytes, size, MODEL_MSEAL, FIRST_NEIGHBOUR + i, 1,
			      neighbour_flags[mix % NR_NEIGHBOUR_FLAGS], 0);
	}
	if (type == MODEL_MMAP)
		arg = map_arg;
	/* mmap() continues the file offset; mremap() moves right behind. */
	size = add_op(bytes, size, type, first, pages, arg, type == MODEL_MMAP ?
		      first : FIRST_NEIGHBOUR + 3);
	/* VMAs that differed in protection or flags may merge again. */
	size = add_op(bytes, size, MODEL_MPROTECT, FIRST_NEIGHBOUR, 3,
		      MODEL_READ | MODEL_WRITE, 0);
	size = add_op(bytes, size, MODEL_MADV_DODUMP, FIRST_NEIGHBOUR, 3, 0, 0);

	return check_sequence(bytes, size);
}

/* Every operation on every arrangement of seals on three neighbours. */
static bool test_attr_neighbours(void)
{
	const unsigned int nr_mixes = NR_NEIGHBOUR_FLAGS * NR_NEIGHBOUR_FLAGS *
				      NR_NEIGHBOUR_FLAGS;
	unsigned int mix, nr_op;
	int backing;

	for (mix = 0; mix < nr_mixes; mix++) {
		for (backing = 0; backing < NR_MODEL_BACKINGS; backing++) {
			for (nr_op = 0; nr_op < ARRAY_SIZE(neighbour_ops); nr_op++) {
				ASSERT_TRUE(try_neighbours(mix, backing, nr_op,
							   FIRST_NEIGHBOUR + 1, 1));
				ASSERT_TRUE(try_neighbours(mix, backing, nr_op,
							   FIRST_NEIGHBOUR, 2));
				ASSERT_TRUE(try_neighbours(mix, backing, nr_op,
							   FIRST_NEIGHBOUR, 3));
			}
		}
	}
	return true;
}

#define RANDOM_SEQUENCES	2000
#define RANDOM_OPS		48

/* Random sequences; VMA_SEED and VMA_SEQUENCES set the seed and the number. */
static bool test_attr_random(void)
{
	const char *seed_text = getenv("VMA_SEED"), *nr_text = getenv("VMA_SEQUENCES");
	const unsigned long seed = seed_text ? strtoul(seed_text, NULL, 0) : 1;
	const unsigned long nr = nr_text ? strtoul(nr_text, NULL, 0) : RANDOM_SEQUENCES;
	unsigned char bytes[RANDOM_OPS * OP_BYTES];
	unsigned long state = seed, i;
	size_t at;

	for (i = 0; i < nr; i++) {
		for (at = 0; at < sizeof(bytes); at++) {
			/* The constants of MMIX. */
			state = state * 6364136223846793005UL + 1442695040888963407UL;
			bytes[at] = state >> 56;
		}
		/* Begin with mappings. */
		bytes[0] = MODEL_MMAP;
		bytes[1] = 0xf0;
		if (!check_sequence(bytes, sizeof(bytes))) {
			fprintf(stderr, "sequence %lu of VMA_SEED=%lu\n", i, seed);
			return false;
		}
	}
	return true;
}

static void run_attr_model_tests(int *num_tests, int *num_fail)
{
	TEST(attr_neighbours);
	TEST(attr_corpus);
	TEST(attr_random);
}
