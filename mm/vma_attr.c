// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMA attribute lock, see linux/vma_attr.h.
 *
 * The userland harness in tools/testing/vma compiles this file as well, so all
 * kernel headers that it needs are included by vma_internal.h.
 */

#include "vma_internal.h"
#include "vma.h"

/* A VMA's seals are one field of its flags, so that a mask of them is a shift away. */
#define SEAL_SHIFT	((__force int)VMA_SEAL_MAP_BIT)

static_assert(VM_SEAL_MAP == (vm_flags_t)SEAL_MAP << SEAL_SHIFT);
static_assert(VM_SEAL_PROT == (vm_flags_t)SEAL_PROT << SEAL_SHIFT);
static_assert(VM_SEAL_DISCARD == (vm_flags_t)SEAL_DISCARD << SEAL_SHIFT);
static_assert(VM_SEAL_DISCARD_WEAK == (vm_flags_t)SEAL_DISCARD_WEAK << SEAL_SHIFT);

static unsigned int seals_of(const struct vm_area_struct *vma)
{
	return (vma_flags_to_legacy(vma->flags) >> SEAL_SHIFT) & SEAL_ANY;
}

static vma_flags_t seals_to_vma_flags(unsigned int seals)
{
	return legacy_to_vma_flags((vm_flags_t)seals << SEAL_SHIFT);
}

/*
 * This table alone decides which seals refuse which operation. The names are
 * the rows of the table in Documentation/userspace-api/mseal.rst; a test
 * compares the two tables.
 */
const struct vma_attr_rule vma_attr_rules[NR_VMA_ATTR_OPS] = {
	[VMA_ATTR_OP_NONE]		= { "none", 0, 0 },
	[VMA_ATTR_OP_UNMAP]		= { "unmap", SEAL_MAP, 0 },
	[VMA_ATTR_OP_REMAP]		= { "remap", SEAL_MAP, 0 },
	[VMA_ATTR_OP_REMAP_EMPTY]	= { "remap-empty", SEAL_MAP, SEAL_DISCARD },
	[VMA_ATTR_OP_PROTECT]		= { "protect", SEAL_PROT, 0 },
	[VMA_ATTR_OP_DONTFORK]		= { "dontfork", 0, SEAL_MAP },
	[VMA_ATTR_OP_DISCARD]		= { "discard", 0,
					    SEAL_DISCARD_WEAK | SEAL_DISCARD },
	[VMA_ATTR_OP_WIPEONFORK]	= { "wipeonfork", 0,
					    SEAL_DISCARD_WEAK | SEAL_DISCARD },
	[VMA_ATTR_OP_KEEPONFORK]	= { "keeponfork", 0, SEAL_DISCARD },
	[VMA_ATTR_OP_GUARD_INSTALL]	= { "guard-install", SEAL_PROT,
					    SEAL_DISCARD_WEAK | SEAL_DISCARD },
	[VMA_ATTR_OP_GUARD_REMOVE]	= { "guard-remove", SEAL_PROT, 0 },
	[VMA_ATTR_OP_UFFD_REGISTER]	= { "uffd-register", 0, SEAL_DISCARD },
	[VMA_ATTR_OP_UFFD_FILL]		= { "uffd-fill", 0, SEAL_DISCARD },
	[VMA_ATTR_OP_UFFD_EMPTY]	= { "uffd-empty", 0, SEAL_DISCARD },
	[VMA_ATTR_OP_ZEROCOPY]		= { "zerocopy", 0, SEAL_DISCARD },
};

/**
 * vma_attr_mseal_flags_known() - Does mseal(2) know all of these flags?
 * @mseal_flags: the flags that the caller passed
 *
 * Return: true for MSEAL_* and for 0.
 */
bool vma_attr_mseal_flags_known(unsigned long mseal_flags)
{
	return !(mseal_flags & ~(unsigned long)(MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD));
}

/* The seals that known flags of mseal(2) stand for. */
static unsigned int mseal_flags_to_seals(unsigned long mseal_flags)
{
	if (!mseal_flags)
		return SEAL_MAP | SEAL_PROT | SEAL_DISCARD_WEAK;
	if (mseal_flags & MSEAL_DISCARD)
		return mseal_flags | SEAL_DISCARD_WEAK;

	return mseal_flags;
}

/**
 * vma_attr_seals() - Which flags of mseal(2) are in force for a mapping?
 * @vma: the mapping
 *
 * For LSMs and their logs. A mapping sealed without flags has MSEAL_MAP and
 * MSEAL_PROT here: the weak discard rule has no flag.
 *
 * Context: mmap lock in either mode, or VMA read lock.
 * Return: a mask of MSEAL_*, 0 for a mapping that is not sealed.
 */
unsigned long vma_attr_seals(const struct vm_area_struct *vma)
{
	return seals_of(vma) & ~SEAL_DISCARD_WEAK;
}

/*
 * Could the calling thread have stored into the mapping? Its protection keys
 * count, as for each access that it makes. A userfaultfd monitor in another
 * process has no keys for this mm (the architectures let it pass for ptrace),
 * so it counts as able to write only if the mapping has no key.
 */
static bool caller_can_write(struct vm_area_struct *vma)
{
	if (vma_pkey(vma) && vma->vm_mm != current->mm)
		return false;

	return vma_test(vma, VMA_WRITE_BIT) &&
	       arch_vma_access_permitted(vma, /* write= */ true,
					 /* execute= */ false, /* foreign= */ false);
}

/* The slow path of vma_attr_permits(): @vma has a seal. */
bool __vma_attr_permits(struct vm_area_struct *vma, enum vma_attr_op op)
{
	const struct vma_attr_rule *rule = &vma_attr_rules[op];
	const unsigned int seals = seals_of(vma);
	const unsigned int held = seals & rule->unless_writable;

	if (seals & rule->always)
		return false;
	if (!held)
		return true;
	if (held != SEAL_DISCARD_WEAK) {
		/* A shadow stack has VM_WRITE, but no store can write to it. */
		return !vma_test_single_mask(vma, VMA_SHADOW_STACK) &&
		       caller_can_write(vma);
	}

	/* The weak discard rule is about private anonymous memory only. */
	return !vma_is_anonymous(vma) || caller_can_write(vma);
}

/* The slow path of vma_attr_range_permits(): there may be seals in the range. */
bool __vma_attr_range_permits(struct mm_struct *mm, unsigned long start,
			      unsigned long end, enum vma_attr_op op)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end) {
		if (!vma_attr_permits(vma, op))
			return false;
	}

	return true;
}

/* The slow path of vma_attr_permits_to(): there may be seals in the range. */
bool __vma_attr_permits_to(struct vm_area_struct *vma, unsigned long end,
			   enum vma_attr_op op)
{
	/* Nothing is mapped in the range, @vma is after it. */
	if (vma->vm_start >= end)
		return true;
	if (!vma_attr_permits(vma, op))
		return false;

	return end <= vma->vm_end ||
	       vma_attr_range_permits(vma->vm_mm, vma->vm_end, end, op);
}

/* The slow path of vma_attr_permits_to_gap(): the range may have seals. */
bool __vma_attr_permits_to_gap(struct vm_area_struct *vma, unsigned long end,
			       enum vma_attr_op op)
{
	VMA_ITERATOR(vmi, vma->vm_mm, vma->vm_end);
	unsigned long mapped_to = vma->vm_end;

	if (!vma_attr_permits(vma, op))
		return false;
	if (end <= mapped_to)
		return true;

	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_start != mapped_to)
			break;
		if (!vma_attr_permits(vma, op))
			return false;
		mapped_to = vma->vm_end;
	}

	return true;
}

/* The slow path of vma_attr_still_permits(): some VMA of @mm is sealed. */
int __vma_attr_still_permits(struct mm_struct *mm, unsigned long start,
			     unsigned long end, const struct file *file,
			     loff_t offset, enum vma_attr_op op)
{
	VMA_ITERATOR(vmi, mm, start);
	pgoff_t pgoff = offset >> PAGE_SHIFT;
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_start > start || !vma->vm_file ||
		    vma->vm_file->f_mapping != file->f_mapping ||
		    linear_page_index(vma, start) != pgoff)
			return -ENOMEM;
		if (!vma_attr_permits(vma, op))
			return -EPERM;
		pgoff += (vma->vm_end - start) >> PAGE_SHIFT;
		start = vma->vm_end;
	}

	return start < end ? -ENOMEM : 0;
}

/*
 * [start, end) is about to hold sealed VMAs. A VMA that can neither move nor
 * grow stays within these bounds. Any other VMA can end up anywhere.
 */
static void widen_bounds(struct mm_struct *mm, unsigned long start,
			 unsigned long end, bool fixed)
{
	mm->seal_start = fixed ? min(mm->seal_start, start) : 0;
	mm->seal_end = fixed ? max(mm->seal_end, end) : ULONG_MAX;
}

static bool has_seals(const struct vm_area_struct *vma, unsigned int seals)
{
	return (seals_of(vma) & seals) == seals;
}

/**
 * struct range_facts - What check_range() found out about the VMAs of a range
 * @first: the VMA in which the range begins
 * @last: the VMA in which it ends
 * @fixed: with the seals that are to be added, none can move or grow
 */
struct range_facts {
	struct vm_area_struct *first, *last;
	bool fixed;
};

/*
 * Can all of [start, end) be sealed? A gap is refused: an unsealed mapping
 * could fill it later, in a range that the user believes to be sealed.
 */
static int check_range(struct vma_iterator *vmi, unsigned long start,
		       unsigned long end, unsigned int seals,
		       unsigned long mseal_flags, struct range_facts *facts)
{
	struct vm_area_struct *vma, *first = NULL, *last = NULL;
	unsigned long mapped_to = start;
	bool droppable = false, fixed = true;

	for_each_vma_range(*vmi, vma, end) {
		const vm_flags_t flags = vma_flags_to_legacy(vma->flags);

		if (vma->vm_start > mapped_to)
			return -ENOMEM;
		/* mseal(2) fails with this error, whatever a policy returns. */
		if (security_mseal(vma, mapped_to, min(end, vma->vm_end),
				   mseal_flags))
			return -EPERM;
		if (!first)
			first = vma;
		last = vma;
		if (!((seals_of(vma) | seals) & SEAL_MAP) ||
		    (flags & (VM_GROWSDOWN | VM_GROWSUP)))
			fixed = false;
		if (flags & VM_DROPPABLE)
			droppable = true;
		mapped_to = vma->vm_end;
	}
	if (mapped_to < end)
		return -ENOMEM;

	/* The kernel may discard these at any time, sealed or not. */
	if ((seals & SEAL_DISCARD) && droppable)
		return -EINVAL;

	*facts = (struct range_facts){ first, last, fixed };
	return 0;
}

/* Split @vma at @addr, unless it already has the seals. */
static int split_at(struct vm_area_struct *vma, unsigned long addr,
		    unsigned int seals)
{
	VMA_ITERATOR(vmi, vma->vm_mm, addr);

	if (has_seals(vma, seals))
		return 0;

	vma_iter_load(&vmi);
	return split_vma(&vmi, vma, addr, /* new_below= */ 1);
}

static void set_seals(struct vm_area_struct *vma, unsigned int seals)
{
	vma_start_write(vma);
	vma_set_flags_mask(vma, seals_to_vma_flags(seals));
}

/*
 * Seal [start, end) of the VMA at @start. Its border with a neighbour that has the
 * seals already is moved, which takes no further VMA; else it is split where that is
 * necessary.
 *
 * Return: the VMA that now covers the range, or an error: then it may have been
 * split for nothing, and no seal is added.
 */
static struct vm_area_struct *seal_part(struct vma_iterator *vmi,
					struct vm_area_struct *prev,
					struct vm_area_struct *vma,
					unsigned long start, unsigned long end,
					unsigned int seals)
{
	vma_flags_t flags = vma->flags;
	struct vm_area_struct *merged;

	vma_flags_set_mask(&flags, seals_to_vma_flags(seals));
	merged = vma_modify_flags(vmi, prev, vma, start, end, &flags);
	if (IS_ERR(merged)) {
		if (vma->vm_start != start || vma->vm_end != end)
			return merged;
		/* There was no memory to merge a whole VMA: it stays apart. */
		merged = vma;
	}
	set_seals(merged, seals);

	return merged;
}

/* Seal the end of a range, which lies within @vma from @start on. */
static int seal_last(struct vm_area_struct *vma, unsigned long start,
		     unsigned long end, unsigned int seals)
{
	VMA_ITERATOR(vmi, vma->vm_mm, start);
	struct vm_area_struct *prev;

	if (has_seals(vma, seals))
		return 0;

	vma_iter_load(&vmi);
	prev = vma_prev(&vmi);
	if (start > vma->vm_start)
		prev = vma;
	vma_next(&vmi);

	return PTR_ERR_OR_ZERO(seal_part(&vmi, prev, vma, start, end, seals));
}

/**
 * vma_attr_seal_range() - Seal attributes of all mappings in a range
 * @mm: the mm
 * @start: first address, page aligned
 * @end: end address, exclusive, page aligned, above @start
 * @mseal_flags: the flags of mseal(2), known ones
 *
 * First come the steps that can fail: the range is checked, split at its start if
 * it has several VMAs, and its last VMA, often the only one, is sealed up to its
 * end. From then on nothing can fail: VMAs that become equal stay apart if there is
 * no memory to merge them. So no seal has to be removed after an error.
 *
 * At vm.max_map_count the split at the start of several VMAs is refused even where
 * the first could be joined with the second.
 *
 * Context: mmap write lock of @mm.
 * Return: 0 if the range is sealed. On an error no seal is added: -ENOMEM if
 * there is a gap in the range or a split ran out of memory or mappings, -EINVAL
 * if a mapping cannot be split at an end of the range or its contents cannot be
 * sealed (MAP_DROPPABLE), -EPERM if an LSM refused for one of the mappings.
 */
int vma_attr_seal_range(struct mm_struct *mm, unsigned long start,
			unsigned long end, unsigned long mseal_flags)
{
	VMA_ITERATOR(vmi, mm, start);
	unsigned int seals = mseal_flags_to_seals(mseal_flags);
	struct vm_area_struct *vma, *prev;
	struct range_facts facts;
	int err;

	mmap_assert_write_locked(mm);

	err = check_range(&vmi, start, end, seals, mseal_flags, &facts);
	if (err)
		return err;

	/* The old VMA keeps the upper part, so facts.last stays the last. */
	if (facts.first != facts.last && start > facts.first->vm_start) {
		err = split_at(facts.first, start, seals);
		if (err)
			return err;
	}
	err = seal_last(facts.last, max(start, facts.last->vm_start), end, seals);
	if (unlikely(err)) {
		seals = 0;	/* only merge what was split */
	} else {
		widen_bounds(mm, start, end, facts.fixed);
		if (facts.first == facts.last)
			return 0;
	}

	vma_iter_set(&vmi, start);
	vma_iter_load(&vmi);
	prev = vma_prev(&vmi);
	for_each_vma_range(vmi, vma, end) {
		/* After a merge that did not come about a VMA is found again. */
		if (vma == prev)
			continue;
		if (!has_seals(vma, seals) || unlikely(err)) {
			/* A whole VMA: this cannot fail. */
			vma = seal_part(&vmi, prev, vma, vma->vm_start,
					vma->vm_end, seals);
		}
		prev = vma;
	}

	return err;
}

/**
 * vma_attr_seal_made() - Seal a whole mapping that the kernel has just made
 * @vma: the mapping
 *
 * Seals what mseal(2) seals without flags. No LSM is called, because no process
 * requested the seal.
 *
 * Context: mmap write lock of the mm of @vma, held since @vma was made.
 */
void vma_attr_seal_made(struct vm_area_struct *vma)
{
	widen_bounds(vma->vm_mm, vma->vm_start, vma->vm_end,
		     !vma_flags_can_grow(&vma->flags));
	set_seals(vma, mseal_flags_to_seals(0));
}
