// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMA attribute lock, see linux/vma_attr.h.
 *
 * Also compiled by the userland harness in tools/testing/vma, so whatever this
 * needs of the kernel comes in by vma_internal.h.
 */

#include "vma_internal.h"
#include "vma.h"

#define LOCK_MAP	VM_SEAL_MAP
#define LOCK_PROT	VM_SEAL_PROT
#define LOCK_RO		VM_SEAL_DISCARD_RO
#define LOCK_DISCARD	VM_SEAL_DISCARD

/*
 * The one place that says which operation asks for which attribute. The names
 * are the rows of the table in Documentation/userspace-api/mseal.rst, and a
 * test holds the two together.
 */
const struct vma_attr_rule vma_attr_rules[NR_VMA_ATTR_OPS] = {
	[VMA_ATTR_OP_NONE]		= { "none", 0, 0 },
	[VMA_ATTR_OP_UNMAP]		= { "unmap", LOCK_MAP, 0 },
	[VMA_ATTR_OP_REMAP]		= { "remap", LOCK_MAP, 0 },
	[VMA_ATTR_OP_REMAP_EMPTY]	= { "remap-empty", LOCK_MAP, LOCK_DISCARD },
	[VMA_ATTR_OP_PROTECT]		= { "protect", LOCK_PROT, 0 },
	[VMA_ATTR_OP_DONTFORK]		= { "dontfork", LOCK_MAP, 0 },
	[VMA_ATTR_OP_DISCARD]		= { "discard", 0, LOCK_RO | LOCK_DISCARD },
	[VMA_ATTR_OP_WIPEONFORK]	= { "wipeonfork", 0, LOCK_RO | LOCK_DISCARD },
	[VMA_ATTR_OP_KEEPONFORK]	= { "keeponfork", 0, LOCK_DISCARD },
	[VMA_ATTR_OP_GUARD_INSTALL]	= { "guard-install", LOCK_PROT,
					    LOCK_RO | LOCK_DISCARD },
	[VMA_ATTR_OP_GUARD_REMOVE]	= { "guard-remove", LOCK_PROT, 0 },
	[VMA_ATTR_OP_UFFD_REGISTER]	= { "uffd-register", 0, LOCK_DISCARD },
	[VMA_ATTR_OP_UFFD_FILL]		= { "uffd-fill", 0, LOCK_DISCARD },
	[VMA_ATTR_OP_UFFD_EMPTY]	= { "uffd-empty", 0, LOCK_DISCARD },
};

/* What each MSEAL_* flag locks; no flag at all locks VM_SEALED. */
static const struct {
	unsigned long flag;
	vm_flags_t locks;
} mseal_flag_locks[] = {
	{ MSEAL_MAP,		LOCK_MAP },
	{ MSEAL_PROT,		LOCK_PROT },
	{ MSEAL_DISCARD,	LOCK_RO | LOCK_DISCARD },
};

/**
 * vma_attr_locks() - Which locks do the flags of mseal(2) stand for?
 * @mseal_flags: MSEAL_*, or 0
 *
 * Return: a mask of VM_SEAL_*, or 0 if there is an unknown flag among
 * @mseal_flags.
 */
vm_flags_t vma_attr_locks(unsigned long mseal_flags)
{
	vm_flags_t locks = 0;
	unsigned int i;

	if (!mseal_flags)
		return VM_SEALED;

	for (i = 0; i < ARRAY_SIZE(mseal_flag_locks); i++) {
		if (mseal_flags & mseal_flag_locks[i].flag) {
			mseal_flags &= ~mseal_flag_locks[i].flag;
			locks |= mseal_flag_locks[i].locks;
		}
	}

	return mseal_flags ? 0 : locks;
}

/**
 * vma_attr_seals() - Which flags of mseal(2) are in force for a mapping?
 * @vma: the mapping
 *
 * For LSMs and their logs. What mseal(2) locks without flags is MSEAL_MAP and
 * MSEAL_PROT here: its rule about discards is weaker than MSEAL_DISCARD.
 *
 * Context: mmap lock in either mode, or VMA read lock.
 * Return: a mask of MSEAL_*, 0 for a mapping with nothing locked.
 */
unsigned long vma_attr_seals(const struct vm_area_struct *vma)
{
	unsigned long seals = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mseal_flag_locks); i++) {
		const vm_flags_t locks = mseal_flag_locks[i].locks;

		if ((vma->vm_flags & locks) == locks)
			seals |= mseal_flag_locks[i].flag;
	}

	return seals;
}

/*
 * Could the calling thread have stored into the mapping? Its protection keys
 * decide with, as for any access that it makes. A userfaultfd monitor in another
 * process has no keys here (the architectures let it pass, for ptrace's sake),
 * so it counts as able to write only where no key is in the way.
 */
static bool caller_can_write(struct vm_area_struct *vma)
{
	if (vma_pkey(vma) && vma->vm_mm != current->mm)
		return false;

	return (vma->vm_flags & VM_WRITE) &&
	       arch_vma_access_permitted(vma, /* write= */ true,
					 /* execute= */ false, /* foreign= */ false);
}

/* The slow path of vma_attr_permits(): some attribute of @vma is locked. */
bool __vma_attr_permits(struct vm_area_struct *vma, enum vma_attr_op op)
{
	const struct vma_attr_rule *rule = &vma_attr_rules[op];
	const vm_flags_t held = vma->vm_flags & rule->unless_writable;

	if (vma->vm_flags & rule->always)
		return false;
	if (!held)
		return true;
	if (held & LOCK_DISCARD) {
		/* A shadow stack has VM_WRITE, but no store can write to it. */
		return !(vma->vm_flags & VM_SHADOW_STACK) && caller_can_write(vma);
	}

	/* What mseal(2) always meant: private anonymous memory and no other. */
	return !vma_is_anonymous(vma) || caller_can_write(vma);
}

/* The slow path of vma_attr_range_permits(): there may be locks in the range. */
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

/* The slow path of vma_attr_permits_to(): there may be locks in the range. */
bool __vma_attr_permits_to(struct vm_area_struct *vma, unsigned long end,
			   enum vma_attr_op op)
{
	/* Nothing is mapped there, @vma is behind it. */
	if (vma->vm_start >= end)
		return true;
	if (!vma_attr_permits(vma, op))
		return false;

	return end <= vma->vm_end ||
	       vma_attr_range_permits(vma->vm_mm, vma->vm_end, end, op);
}

/*
 * [start, end) is about to hold locked VMAs. One that can neither move nor grow
 * is within these bounds for good; any other may be anywhere later on.
 */
static void widen_bounds(struct mm_struct *mm, unsigned long start,
			 unsigned long end, bool fixed)
{
	mm->seal_start = fixed ? min(mm->seal_start, start) : 0;
	mm->seal_end = fixed ? max(mm->seal_end, end) : ULONG_MAX;
}

static bool flags_fix_range(vm_flags_t all, vm_flags_t any)
{
	return (all & LOCK_MAP) && !(any & (VM_GROWSDOWN | VM_GROWSUP));
}

/* The slow path of vma_attr_mark(): the VMA has locks. */
void __vma_attr_mark(const struct vm_area_struct *vma)
{
	widen_bounds(vma->vm_mm, vma->vm_start, vma->vm_end,
		     flags_fix_range(vma->vm_flags, vma->vm_flags));
}

static bool vma_has_locks(struct vm_area_struct *vma, vm_flags_t locks)
{
	return (vma->vm_flags & locks) == locks;
}

/* What check_range() learnt about the VMAs of a range. */
struct range_facts {
	struct vm_area_struct *first, *last;
	vm_flags_t all, any;	/* flags that all of them have, that any has */
};

/*
 * Can all of [start, end) be locked? A gap is refused: it could be filled later
 * by a mapping without locks, in what the user takes for a sealed range.
 */
static int check_range(struct vma_iterator *vmi, unsigned long start,
		       unsigned long end, vm_flags_t locks,
		       unsigned long mseal_flags, struct range_facts *facts)
{
	unsigned long mapped_to = start;
	vm_flags_t all = ~(vm_flags_t)0, any = 0;
	struct vm_area_struct *vma, *first = NULL, *last = NULL;

	for_each_vma_range(*vmi, vma, end) {
		if (vma->vm_start > mapped_to)
			return -ENOMEM;
		/* Whichever error a policy gives, mseal(2) knows this one. */
		if (security_mseal(vma, mapped_to, min(end, vma->vm_end),
				   mseal_flags))
			return -EPERM;
		if (!first)
			first = vma;
		last = vma;
		all &= vma->vm_flags;
		any |= vma->vm_flags;
		mapped_to = vma->vm_end;
	}
	if (mapped_to < end)
		return -ENOMEM;

	/* The kernel may discard these at any time: no such promise. */
	if ((locks & LOCK_DISCARD) && (any & VM_DROPPABLE))
		return -EINVAL;

	*facts = (struct range_facts){ first, last, all, any };
	return 0;
}

/* Make @addr, within @vma, a border between VMAs, unless both sides have the locks. */
static int split_at(struct vm_area_struct *vma, unsigned long addr,
		    vm_flags_t locks)
{
	VMA_ITERATOR(vmi, vma->vm_mm, addr);

	if (vma_has_locks(vma, locks))
		return 0;

	vma_iter_load(&vmi);
	return split_vma(&vmi, vma, addr, /* new_below= */ 1);
}

/*
 * Merge @vma with its neighbours where the locks, once added, permit it. Running
 * out of memory leaves it unmerged, which is no more than untidy.
 *
 * Return: the VMA in whose range @vma now is.
 */
static struct vm_area_struct *merge_locked(struct vma_iterator *vmi,
					   struct vm_area_struct *prev,
					   struct vm_area_struct *vma,
					   vm_flags_t locks)
{
	vma_flags_t flags = vma->flags;
	struct vm_area_struct *merged;

	vma_flags_set_mask(&flags, legacy_to_vma_flags(locks));
	merged = vma_modify_flags(vmi, prev, vma, vma->vm_start, vma->vm_end,
				  &flags);

	return IS_ERR(merged) ? vma : merged;
}

/**
 * vma_attr_lock_range() - Lock attributes of all mappings in a range
 * @mm: the mm
 * @start: first address, page aligned
 * @end: end address, exclusive, page aligned, above @start
 * @locks: mask of VM_SEAL_*, not empty
 * @mseal_flags: the flags of mseal(2) that @locks stand for, as the LSMs know them
 *
 * What can fail comes first (the range is looked at, then split at its two
 * ends), then the locks are set, which cannot fail, and what becomes equal by
 * that is merged, which may fail without harm. So there are no locks to take
 * back on an error. At vm.max_map_count a split is refused even where a merge
 * would have made up for it.
 *
 * Context: mmap write lock of @mm.
 * Return: 0, or with no lock added: -ENOMEM if there is a gap in the range or a
 * split ran out of memory or mappings, -EINVAL if a mapping cannot be split at
 * an end of the range or is one whose contents cannot be locked (MAP_DROPPABLE),
 * -EPERM if an LSM refused for one of the mappings.
 */
int vma_attr_lock_range(struct mm_struct *mm, unsigned long start,
			unsigned long end, vm_flags_t locks,
			unsigned long mseal_flags)
{
	VMA_ITERATOR(vmi, mm, start);
	struct vm_area_struct *vma, *prev;
	struct range_facts facts;
	int err;

	mmap_assert_write_locked(mm);

	err = check_range(&vmi, start, end, locks, mseal_flags, &facts);
	if (err)
		return err;

	/* The part above the border is that of the old VMA: last stays the last. */
	if (start > facts.first->vm_start) {
		err = split_at(facts.first, start, locks);
		if (err)
			return err;
	}
	if (end < facts.last->vm_end) {
		err = split_at(facts.last, end, locks);
		if (err)
			locks = 0;	/* only merge what was split */
	}

	if (likely(!err))
		widen_bounds(mm, start, end,
			     flags_fix_range(facts.all | locks, facts.any));

	vma_iter_set(&vmi, start);
	vma_iter_load(&vmi);
	prev = vma_prev(&vmi);
	for_each_vma_range(vmi, vma, end) {
		if (!vma_has_locks(vma, locks) || unlikely(err)) {
			vma = merge_locked(&vmi, prev, vma, locks);
			vma_start_write(vma);
			vma_set_flags_mask(vma, legacy_to_vma_flags(locks));
		}
		prev = vma;
	}

	return err;
}
