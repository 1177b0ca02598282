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

static_assert(VM_SEAL_MAP == (vm_flags_t)SEAL_MAP << SEAL_SHIFT);
static_assert(VM_SEAL_PROT == (vm_flags_t)SEAL_PROT << SEAL_SHIFT);
static_assert(VM_SEAL_DISCARD == (vm_flags_t)SEAL_DISCARD << SEAL_SHIFT);
static_assert(VM_SEAL_DISCARD_WEAK == (vm_flags_t)SEAL_DISCARD_WEAK << SEAL_SHIFT);

static unsigned int seals_of(const struct vm_area_struct *vma)
{
	return vma_attr_seals_in(vma_flags_to_legacy(vma->flags));
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

/* Do these seals permit what they refuse to a caller that cannot write? */
static noinline bool held_permits(struct vm_area_struct *vma, unsigned int held)
{
	if (held != SEAL_DISCARD_WEAK) {
		/* A shadow stack has VM_WRITE, but no store can write to it. */
		return !vma_test_single_mask(vma, VMA_SHADOW_STACK) &&
		       caller_can_write(vma);
	}

	/* The weak discard rule is about private anonymous memory only. */
	return !vma_is_anonymous(vma) || caller_can_write(vma);
}

/**
 * vma_attr_refusing_seals() - Which seals of a mapping refuse an operation?
 * @vma: the mapping
 * @op: the operation
 *
 * Context: as for vma_attr_permits().
 * Return: a mask of SEAL_*, 0 if the seals of @vma permit @op.
 */
unsigned int vma_attr_refusing_seals(struct vm_area_struct *vma, enum vma_attr_op op)
{
	const struct vma_attr_rule *rule = &vma_attr_rules[op];
	const unsigned int seals = seals_of(vma);
	unsigned int held = seals & rule->always;

	if (held)
		return held;

	held = seals & rule->unless_writable;
	if (!held || held_permits(vma, held))
		return 0;

	/* SEAL_DISCARD implies the weak discard rule, which alone might have permitted it. */
	return held & SEAL_DISCARD ? SEAL_DISCARD : held;
}

/* The slow path of vma_attr_permits(): @vma has a seal. */
bool __vma_attr_permits(struct vm_area_struct *vma, enum vma_attr_op op)
{
	return !vma_attr_refusing_seals(vma, op);
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

/* The slow path of vma_attr_find_refusal(): the range may have seals. */
struct vm_area_struct *__vma_attr_find_refusal(struct vm_area_struct *vma,
					       unsigned long end,
					       enum vma_attr_op op)
{
	unsigned long mapped_to = vma->vm_end;

	if (!vma_attr_permits(vma, op))
		return vma;
	if (end > mapped_to) {
		VMA_ITERATOR(vmi, vma->vm_mm, mapped_to);

		for_each_vma_range(vmi, vma, end) {
			if (vma->vm_start != mapped_to)
				break;
			if (!vma_attr_permits(vma, op))
				return vma;
			mapped_to = vma->vm_end;
		}
	}

	return NULL;
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
			return vma_attr_refused(vma, start, end, op);
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

/* Does @vma have all of these seals? */
static bool has_seals(const struct vm_area_struct *vma, unsigned int seals)
{
	const vm_flags_t mask = (vm_flags_t)seals << SEAL_SHIFT;

	return (vma_flags_to_legacy(vma->flags) & mask) == mask;
}

/**
 * struct range_facts - What check_range() found out about the VMAs of a range
 * @first: the VMA in which the range begins
 * @last: the VMA in which it ends
 * @any: the flags that any of them has
 * @all: the flags that all of them have
 */
struct range_facts {
	struct vm_area_struct *first, *last;
	vm_flags_t any, all;
};

/*
 * Can all of [start, end) be sealed? A gap is refused: an unsealed mapping
 * could fill it later, in a range that the user believes to be sealed. The
 * iterator is left at the last VMA.
 */
static int check_range(struct vma_iterator *vmi, unsigned long start,
		       unsigned long end, unsigned int seals,
		       unsigned long mseal_flags, struct range_facts *facts)
{
	struct vm_area_struct *vma = vma_find(vmi, end);
	unsigned long mapped_to = start;

	*facts = (struct range_facts){ .first = vma, .all = ~0UL };

	for (; vma && vma->vm_start <= mapped_to; vma = vma_next(vmi)) {
		facts->any |= vma_flags_to_legacy(vma->flags);
		facts->all &= vma_flags_to_legacy(vma->flags);
		mapped_to = vma->vm_end;
		if (mapped_to >= end)
			break;
	}
	if (mapped_to < end)
		return -ENOMEM;

	/* The kernel may discard these at any time, sealed or not. */
	if ((seals & SEAL_DISCARD) && (facts->any & VM_DROPPABLE))
		return -EINVAL;

	facts->last = vma;

	/* mseal(2) fails with this error, whatever a policy returns. */
	return security_mseal(vma->vm_mm, start, end, mseal_flags) ? -EPERM : 0;
}

/* With these seals, can none of the VMAs move or grow? */
static bool stays_in_place(const struct range_facts *facts, unsigned int seals)
{
	if (facts->any & (VM_GROWSDOWN | VM_GROWSUP))
		return false;

	return (seals & SEAL_MAP) || (facts->all & VM_SEAL_MAP);
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

/* Undo split_at(). If there is no memory to merge, the VMA stays split. */
static void join_at(struct vm_area_struct *vma, unsigned long addr)
{
	VMA_ITERATOR(vmi, vma->vm_mm, addr);
	vma_flags_t flags = vma->flags;
	struct vm_area_struct *prev;

	if (vma->vm_start != addr)
		return;

	vma_iter_load(&vmi);
	prev = vma_prev(&vmi);
	vma_next(&vmi);
	vma = vma_modify_flags(&vmi, prev, vma, addr, vma->vm_end, &flags);
	VM_WARN_ON_ONCE(IS_ERR(vma) && PTR_ERR(vma) != -ENOMEM);
}

static void set_seals(struct vm_area_struct *vma, unsigned int seals)
{
	vma_start_write(vma);
	vma_set_flags_mask(vma, seals_to_vma_flags(seals));
}

/*
 * Seal [start, end), which @vma, at the iterator, and those after it cover. A border
 * with a neighbour that has the seals already is moved, which takes no further VMA;
 * otherwise a VMA is split where that is necessary.
 *
 * Return: 0, or an error if a VMA that the range covers in part could not be split.
 * Whole VMAs are always sealed.
 */
static int seal_vmas(struct vma_iterator *vmi, struct vm_area_struct *vma,
		     unsigned long start, unsigned long end, unsigned int seals)
{
	struct vm_area_struct *prev = vma_prev(vmi), *merged;

	if (start > vma->vm_start)
		prev = vma;

	for_each_vma_range(*vmi, vma, end) {
		vma_flags_t flags = vma->flags;

		if (!has_seals(vma, seals)) {
			vma_flags_set_mask(&flags, seals_to_vma_flags(seals));
			merged = vma_modify_flags(vmi, prev, vma,
						  max(start, vma->vm_start),
						  min(end, vma->vm_end), &flags);
			if (!IS_ERR(merged))
				vma = merged;
			else if (start > vma->vm_start || end < vma->vm_end)
				return PTR_ERR(merged);
			/* If there is no memory to merge, a whole VMA stays apart. */
			set_seals(vma, seals);
		}
		prev = vma;
	}

	return 0;
}

/**
 * vma_attr_seal_range() - Seal attributes of all mappings in a range
 * @mm: the mm
 * @start: first address, page aligned
 * @end: end address, exclusive, page aligned, above @start
 * @mseal_flags: the flags of mseal(2), known ones
 *
 * First come the steps that can fail: the range is checked, and if it has several
 * VMAs, it is split at its start, and its last VMA is sealed up to its end. From
 * then on nothing can fail: VMAs that become equal stay apart if there is no memory
 * to merge them. So no seal has to be removed after an error.
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
	struct range_facts facts;
	unsigned long last;
	bool split;
	int err;

	mmap_assert_write_locked(mm);
	vma_attr_check_seal(mm);

	err = check_range(&vmi, start, end, seals, mseal_flags, &facts);
	if (err)
		return err;

	split = start > facts.first->vm_start;
	if (facts.first != facts.last) {
		/* The old VMA keeps the upper part. */
		if (split) {
			err = split_at(facts.first, start, seals);
			if (err)
				return err;
		}
		if (end < facts.last->vm_end) {
			last = facts.last->vm_start;
			vma_iter_set(&vmi, last);
			vma_iter_load(&vmi);
			err = seal_vmas(&vmi, facts.last, last, end, seals);
		}
		vma_iter_set(&vmi, start);
		vma_iter_load(&vmi);
	}
	if (!err)
		err = seal_vmas(&vmi, facts.first, start, end, seals);
	if (!err)
		widen_bounds(mm, start, end, stays_in_place(&facts, seals));
	else if (split)
		join_at(facts.first, start);

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
	vma_attr_check_seal(vma->vm_mm);
}
