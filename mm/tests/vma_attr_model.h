/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reference model of what mseal() with attributes promises, as simple as
 * possible: an array of pages, and what each operation on a range of them returns
 * and changes. Random runs in KUnit and in tools/testing/vma compare the kernel
 * with it. It shares no code and no constants with what it checks.
 *
 * A VMA is a run of pages that could be one VMA, see model_joined(). The kernel has
 * no other borders as long as
 *
 * - no page of private memory was ever touched. So there is no anon_vma that could
 *   keep neighbours from merging, and vm_pgoff of anonymous memory follows its
 *   address when mremap() moves it;
 * - all file mappings are of one file, opened for reading and writing;
 * - vm.max_map_count is not reached, and memory does not run out;
 * - MREMAP_DONTUNMAP does not move anonymous memory next to its source: the kernel
 *   does not merge the two. The model returns MODEL_NO_ANSWER then.
 *
 * MADV_GUARD_INSTALL makes an anon_vma. Ask model_refuses() about it, but do not
 * use it in a run that counts VMAs.
 */
#ifndef _MM_TESTS_VMA_ATTR_MODEL_H
#define _MM_TESTS_VMA_ATTR_MODEL_H

#include <linux/errno.h>

#define MODEL_PAGES	16

/* Protection; the values of PROT_*. */
#define MODEL_READ	1
#define MODEL_WRITE	2
#define MODEL_EXEC	4

/* The seals of a page; the first three are also the flags of mseal(). */
#define MODEL_MAP		1
#define MODEL_PROT		2
#define MODEL_DISCARD		4
#define MODEL_DISCARD_WEAK	8	/* the weak discard rule */

/* Flags of a page that are equal in all of a VMA. */
#define MODEL_DONTDUMP	1
#define MODEL_DONTFORK	2
#define MODEL_WIPE	4	/* MADV_WIPEONFORK */
#define MODEL_ACCOUNT	8	/* VM_ACCOUNT: was writable, is or was charged */

enum model_backing { MODEL_ANON, MODEL_PRIVATE, MODEL_SHARED, NR_MODEL_BACKINGS };

struct model_page {
	unsigned char mapped;
	unsigned char backing;	/* enum model_backing */
	unsigned char prot;	/* MODEL_READ ... */
	unsigned char flags;	/* MODEL_DONTDUMP ... */
	unsigned char seals;	/* MODEL_MAP ... */
	unsigned int pgoff;	/* page of the file; 0 if there is none */
};

struct model {
	struct model_page page[MODEL_PAGES];
};

/*
 * All operate on the range of pages [first, end), which is not empty. Neither this
 * range nor that of new_pages extends beyond MODEL_PAGES, where nothing is mapped.
 */
enum model_op_type {
	MODEL_MSEAL,		/* arg: flags of mseal() */
	MODEL_MPROTECT,		/* arg: protection */
	MODEL_MUNMAP,
	MODEL_MMAP,		/* MAP_FIXED; arg: protection, backing, pgoff */
	MODEL_MMAP_NOREPLACE,	/* MAP_FIXED_NOREPLACE */
	MODEL_MREMAP_RESIZE,	/* in place, to new_pages */
	MODEL_MREMAP_MOVE,	/* to page dst on, with new_pages */
	MODEL_MREMAP_DONTUNMAP,	/* to page dst on, the source stays */
	MODEL_DONTNEED,
	MODEL_FREE,
	MODEL_REMOVE,
	MODEL_GUARD_REMOVE,
	MODEL_MADV_DONTDUMP,
	MODEL_MADV_DODUMP,
	MODEL_MADV_DONTFORK,
	MODEL_MADV_DOFORK,
	MODEL_MADV_WIPEONFORK,
	MODEL_MADV_KEEPONFORK,
	NR_MODEL_OPS,
	/* Only for model_refuses(). */
	MODEL_GUARD_INSTALL = NR_MODEL_OPS,
	MODEL_UFFD_FILL,	/* also for register and empty */
	MODEL_ZEROCOPY,		/* TCP_ZEROCOPY_RECEIVE */
};

struct model_op {
	enum model_op_type type;
	unsigned int first, end;
	unsigned int arg;
	enum model_backing backing;
	unsigned int pgoff;
	unsigned int dst, new_pages;
};

#define MODEL_NO_ANSWER	1	/* not an errno: skip the operation */

/* Do the seals of a page refuse this to a caller with full pkey rights? */
static int model_refuses(const struct model_page *p, enum model_op_type op)
{
	const int writable = p->prot & MODEL_WRITE;
	/* Contents cannot be discarded without write access. */
	const int strict = (p->seals & MODEL_DISCARD) && !writable;
	/* The weak discard rule: the same, but only for anonymous memory. */
	const int weak = (p->seals & MODEL_DISCARD_WEAK) && !writable &&
			 p->backing == MODEL_ANON;

	switch (op) {
	case MODEL_MUNMAP:
	case MODEL_MMAP:
	case MODEL_MREMAP_RESIZE:
	case MODEL_MREMAP_MOVE:
		return p->seals & MODEL_MAP;
	/* MADV_DOFORK takes nothing away, so it is never refused. */
	case MODEL_MADV_DONTFORK:
		return (p->seals & MODEL_MAP) && !writable;
	case MODEL_MREMAP_DONTUNMAP:
		return (p->seals & MODEL_MAP) || strict;
	case MODEL_MPROTECT:
	case MODEL_GUARD_REMOVE:
		return p->seals & MODEL_PROT;
	case MODEL_GUARD_INSTALL:
		return (p->seals & MODEL_PROT) || strict || weak;
	case MODEL_DONTNEED:
	case MODEL_FREE:
	case MODEL_REMOVE:
	case MODEL_MADV_WIPEONFORK:
		return strict || weak;
	case MODEL_MADV_KEEPONFORK:
	case MODEL_UFFD_FILL:
	case MODEL_ZEROCOPY:
		return strict;
	default:
		return 0;
	}
}

/* Does any mapped page of a range refuse? Gaps are skipped. */
static int model_range_refuses(const struct model *m, unsigned int first,
			       unsigned int end, enum model_op_type op)
{
	unsigned int i;

	for (i = first; i < end; i++) {
		if (m->page[i].mapped && model_refuses(&m->page[i], op))
			return 1;
	}
	return 0;
}

/* Are page i - 1 and page i in the same VMA? */
static int model_joined(const struct model *m, unsigned int i)
{
	const struct model_page *a, *b;

	if (!i || i >= MODEL_PAGES)
		return 0;
	a = &m->page[i - 1];
	b = &m->page[i];

	return a->mapped && b->mapped && a->backing == b->backing &&
	       a->prot == b->prot && a->flags == b->flags &&
	       a->seals == b->seals &&
	       (a->backing == MODEL_ANON || a->pgoff + 1 == b->pgoff);
}

static inline unsigned int model_nr_vmas(const struct model *m)
{
	unsigned int i, nr = 0;

	for (i = 0; i < MODEL_PAGES; i++)
		nr += m->page[i].mapped && !model_joined(m, i);
	return nr;
}

/* The first page behind the VMA of page i. */
static unsigned int model_vma_end(const struct model *m, unsigned int i)
{
	do {
		i++;
	} while (model_joined(m, i));
	return i;
}

static int model_gap_in(const struct model *m, unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++) {
		if (!m->page[i].mapped)
			return 1;
	}
	return 0;
}

static int model_empty(const struct model *m, unsigned int first, unsigned int end)
{
	unsigned int i;

	for (i = first; i < end; i++) {
		if (m->page[i].mapped)
			return 0;
	}
	return 1;
}

static void model_clear(struct model *m, unsigned int first, unsigned int end)
{
	const struct model_page none = { 0 };
	unsigned int i;

	for (i = first; i < end; i++)
		m->page[i] = none;
}

static int model_mseal(struct model *m, const struct model_op *op)
{
	const unsigned int flags = op->arg;
	unsigned int seals = flags, i;

	if (flags & ~(MODEL_MAP | MODEL_PROT | MODEL_DISCARD))
		return -EINVAL;
	if (model_gap_in(m, op->first, op->end))
		return -ENOMEM;

	if (!flags)
		seals = MODEL_MAP | MODEL_PROT | MODEL_DISCARD_WEAK;
	if (flags & MODEL_DISCARD)
		seals |= MODEL_DISCARD_WEAK;
	for (i = op->first; i < op->end; i++)
		m->page[i].seals |= seals;
	return 0;
}

/*
 * How many VMAs more than before can a call of mseal() that succeeds need at a
 * time? A piece of one VMA that can join a neighbour only moves their border. If
 * the range has several VMAs, this goes for the last one only: the first is always
 * split, even where its piece could then join the second.
 */
static inline unsigned int model_mseal_splits(const struct model *m,
					      const struct model_op *op)
{
	const unsigned int first = op->first, end = op->end;
	unsigned int last = end - 1, nr = 0;
	struct model after = *m, only_last = *m;
	struct model_op part = *op;

	while (last > first && model_joined(m, last))
		last--;
	part.first = last;
	model_mseal(&after, op);
	model_mseal(&only_last, &part);

	if (last > first && model_joined(m, first) &&
	    after.page[first].seals != m->page[first].seals)
		nr++;
	if (after.page[last].seals == m->page[last].seals)
		return nr;
	if (model_joined(m, last) && model_joined(m, end))
		return nr + 2;
	if (model_joined(m, last))
		nr += !model_joined(&only_last, end);
	if (model_joined(m, end))
		nr += !model_joined(&only_last, last);
	return nr;
}

/* Update VM_ACCOUNT after the protection has changed. */
static void model_account(struct model_page *p)
{
	if (p->backing == MODEL_SHARED)
		return;
	if (p->prot & MODEL_WRITE)
		p->flags |= MODEL_ACCOUNT;
	else if (p->backing == MODEL_ANON)
		p->flags &= ~MODEL_ACCOUNT;
}

/*
 * Changes what is before the first gap, or nothing if a seal refuses there. What
 * is behind the gap does not matter.
 */
static int model_mprotect(struct model *m, const struct model_op *op)
{
	unsigned int gap = op->first, i;

	while (gap < op->end && m->page[gap].mapped)
		gap++;
	if (model_range_refuses(m, op->first, gap, op->type))
		return -EPERM;
	for (i = op->first; i < gap; i++) {
		m->page[i].prot = op->arg;
		model_account(&m->page[i]);
	}
	return gap < op->end ? -ENOMEM : 0;
}

static int model_munmap(struct model *m, unsigned int first, unsigned int end)
{
	if (model_range_refuses(m, first, end, MODEL_MUNMAP))
		return -EPERM;
	model_clear(m, first, end);
	return 0;
}

static int model_mmap(struct model *m, const struct model_op *op)
{
	unsigned int i;

	if (op->type == MODEL_MMAP_NOREPLACE && !model_empty(m, op->first, op->end))
		return -EEXIST;
	if (model_munmap(m, op->first, op->end))
		return -EPERM;

	for (i = op->first; i < op->end; i++) {
		struct model_page *p = &m->page[i];

		p->mapped = 1;
		p->backing = op->backing;
		p->prot = op->arg;
		if (op->backing != MODEL_ANON)
			p->pgoff = op->pgoff + i - op->first;
		model_account(p);
	}
	return 0;
}

/* Page i + 1 becomes a continuation of page i. */
static void model_extend(struct model *m, unsigned int i)
{
	m->page[i + 1] = m->page[i];
	if (m->page[i].backing != MODEL_ANON)
		m->page[i + 1].pgoff++;
}

static int model_mremap_resize(struct model *m, const struct model_op *op)
{
	const unsigned int new_end = op->first + op->new_pages;
	unsigned int i;

	if (!m->page[op->first].mapped)
		return -EFAULT;
	if (model_refuses(&m->page[op->first], op->type))
		return -EPERM;
	if (new_end == op->end)
		return 0;
	if (new_end < op->end)
		return model_munmap(m, new_end, op->end);

	if (op->end > model_vma_end(m, op->first))
		return -EFAULT;
	if (op->end < model_vma_end(m, op->first) || !model_empty(m, op->end, new_end))
		return -ENOMEM;
	for (i = op->end; i < new_end; i++)
		model_extend(m, i - 1);
	return 0;
}

static int model_mremap_move(struct model *m, const struct model_op *op)
{
	const int keep = op->type == MODEL_MREMAP_DONTUNMAP;
	const unsigned int old_pages = op->end - op->first;
	const struct model old = *m;
	const struct model_page *source = &old.page[op->first];
	unsigned int i, vma_end;

	if (keep && old_pages != op->new_pages)
		return -EINVAL;
	if (op->first < op->dst + op->new_pages && op->dst < op->end)
		return -EINVAL;

	if (!source->mapped)
		return -EFAULT;

	vma_end = model_vma_end(m, op->first);
	if (old_pages != op->new_pages) {
		if (model_refuses(source, op->type))
			return -EPERM;
		/* If the size changes, it must be one VMA. */
		if (op->first + op->new_pages > vma_end && op->end > vma_end)
			return -EFAULT;
		/* The rest of the source is unmapped, whatever it is. */
		if (model_range_refuses(m, op->first, op->end, MODEL_MUNMAP) ||
		    model_range_refuses(m, op->dst, op->dst + op->new_pages,
					MODEL_MUNMAP))
			return -EPERM;
		model_clear(m, op->first, op->end);
		model_clear(m, op->dst, op->dst + op->new_pages);
		for (i = 0; i < op->new_pages; i++) {
			if (i < old_pages)
				m->page[op->dst + i] = source[i];
			else
				model_extend(m, op->dst + i - 1);
		}
		return 0;
	}

	/* Any number of VMAs; a gap does not change its destination. */
	for (i = 0; i < old_pages; i++) {
		if (!source[i].mapped)
			continue;
		if (model_refuses(&source[i], op->type) ||
		    model_range_refuses(m, op->dst + i, op->dst + i + 1, MODEL_MUNMAP))
			return -EPERM;
	}
	for (i = 0; i < old_pages; i++) {
		const unsigned int from = op->first + i, to = op->dst + i;

		if (!source[i].mapped)
			continue;
		m->page[to] = source[i];
		if (!keep) {
			model_clear(m, from, from + 1);
		} else if (from < to ? model_vma_end(m, from) > to :
				       model_vma_end(m, to) > from) {
			/* The kernel does not merge a source with its copy. */
			*m = old;
			return MODEL_NO_ANSWER;
		}
	}
	return 0;
}

/* Change the flags of one page, or return why not. */
static int model_madvise_page(struct model_page *p, enum model_op_type type)
{
	switch (type) {
	case MODEL_FREE:
		return p->backing == MODEL_ANON ? 0 : -EINVAL;
	case MODEL_REMOVE:
		if (p->backing == MODEL_ANON)
			return -EINVAL;
		return p->backing == MODEL_SHARED ? 0 : -EACCES;
	case MODEL_MADV_DONTDUMP:
		p->flags |= MODEL_DONTDUMP;
		return 0;
	case MODEL_MADV_DODUMP:
		p->flags &= ~MODEL_DONTDUMP;
		return 0;
	case MODEL_MADV_DONTFORK:
		p->flags |= MODEL_DONTFORK;
		return 0;
	case MODEL_MADV_DOFORK:
		p->flags &= ~MODEL_DONTFORK;
		return 0;
	case MODEL_MADV_WIPEONFORK:
		if (p->backing != MODEL_ANON)
			return -EINVAL;
		p->flags |= MODEL_WIPE;
		return 0;
	case MODEL_MADV_KEEPONFORK:
		p->flags &= ~MODEL_WIPE;
		return 0;
	default:
		return 0;
	}
}

/* Continues over gaps, then returns an error; stops where the advice is invalid. */
static int model_madvise(struct model *m, const struct model_op *op)
{
	unsigned int i;
	int err = 0, page_err;

	if (model_range_refuses(m, op->first, op->end, op->type))
		return -EPERM;

	for (i = op->first; i < op->end; i++) {
		if (!m->page[i].mapped) {
			err = -ENOMEM;
			continue;
		}
		page_err = model_madvise_page(&m->page[i], op->type);
		if (page_err)
			return page_err;
	}
	return err;
}

/*
 * Carry out an operation. Returns 0, an errno or MODEL_NO_ANSWER. With -EPERM,
 * -EINVAL of mseal() and MODEL_NO_ANSWER nothing has changed. With other errors
 * earlier pages may already have been changed, as in the kernel.
 */
static inline int model_apply(struct model *m, const struct model_op *op)
{
	switch (op->type) {
	case MODEL_MSEAL:
		return model_mseal(m, op);
	case MODEL_MPROTECT:
		return model_mprotect(m, op);
	case MODEL_MUNMAP:
		return model_munmap(m, op->first, op->end);
	case MODEL_MMAP:
	case MODEL_MMAP_NOREPLACE:
		return model_mmap(m, op);
	case MODEL_MREMAP_RESIZE:
		return model_mremap_resize(m, op);
	case MODEL_MREMAP_MOVE:
	case MODEL_MREMAP_DONTUNMAP:
		return model_mremap_move(m, op);
	default:
		return model_madvise(m, op);
	}
}

#endif /* _MM_TESTS_VMA_ATTR_MODEL_H */
