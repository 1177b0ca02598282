// SPDX-License-Identifier: GPL-2.0-only

/*
 * The VMA attribute lock, mm/vma_attr.c.
 *
 * Layouts are written with one character per page from TEST_BASE on and with
 * a bar at each end of a VMA:
 *
 *   .       no seal
 *   1 - f   sum of the seals: MAP 1, PROT 2, DISCARD_WEAK 4, DISCARD 8
 *   space   no VMA
 *
 * In an expected layout, # stands for the seals that the test is run with.
 */

#define TEST_BASE	0x100000UL
#define TEST_PAGES	16
#define TEST_ADDR(_page) (TEST_BASE + (_page) * PAGE_SIZE)

/* Room for the pages and a border on either side of each. */
#define LAYOUT_LEN	(2 * TEST_PAGES + 2)

/* The last refusal that was reported; a test clears it. */
static struct vma_attr_refusal last_refusal;
static unsigned int nr_refusals;

void __vma_attr_refused(struct vm_area_struct *vma, unsigned long start,
			unsigned long end, enum vma_attr_op op)
{
	last_refusal = (struct vma_attr_refusal){
		.vma = vma, .start = start, .end = end, .op = op,
	};
	nr_refusals++;
}

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

/* Write the layout of mm to buf, up to its last VMA. */
static void layout_write(struct mm_struct *mm, char *buf)
{
	VMA_ITERATOR(vmi, mm, TEST_BASE);
	unsigned long addr = TEST_BASE;
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, TEST_ADDR(TEST_PAGES)) {
		if (addr != vma->vm_start || addr == TEST_BASE) {
			for (; addr < vma->vm_start; addr += PAGE_SIZE)
				*buf++ = ' ';
			*buf++ = '|';
		}
		for (; addr < vma->vm_end; addr += PAGE_SIZE)
			*buf++ = seals_to_char(vma->vm_flags);
		*buf++ = '|';
	}
	*buf = '\0';
}

static bool layout_is(struct mm_struct *mm, const char *want, vm_flags_t seals)
{
	VMA_ITERATOR(vmi, mm, 0);
	char want_buf[LAYOUT_LEN], buf[LAYOUT_LEN];
	struct vm_area_struct *vma;
	int count = 0;
	char *p;

	snprintf(want_buf, sizeof(want_buf), "%s", want);
	for (p = want_buf; *p; p++) {
		if (*p == '#')
			*p = seals_to_char(seals);
	}

	layout_write(mm, buf);
	if (strcmp(buf, want_buf)) {
		fprintf(stderr, "Layout is  %s\ninstead of %s\n", buf, want_buf);
		return false;
	}

	for_each_vma(vmi, vma) {
		if (vma->vm_pgoff != vma->vm_start >> PAGE_SHIFT) {
			fprintf(stderr, "Wrong vm_pgoff in %s\n", buf);
			return false;
		}
		count++;
	}
	if (count != mm->map_count) {
		fprintf(stderr, "map_count is %d for %s\n", mm->map_count, buf);
		return false;
	}

	return true;
}

#define ASSERT_LAYOUT_SEALS(_mm, _want, _seals) \
	ASSERT_TRUE(layout_is(_mm, _want, _seals))
#define ASSERT_LAYOUT(_mm, _want) ASSERT_LAYOUT_SEALS(_mm, _want, 0)

/* An operation failed with _err and did not change the layout. */
#define ASSERT_REFUSED(_mm, _expr, _err)				\
	do {								\
		struct mm_struct *__mm = (_mm);				\
		char __before[LAYOUT_LEN];				\
									\
		layout_write(__mm, __before);				\
		ASSERT_EQ(_expr, _err);					\
		ASSERT_LAYOUT(__mm, __before);				\
	} while (0)

/*
 * Map pages, one character for each: r for read-only, w for writable, d for
 * writable and droppable, a space for none. Equal neighbours are one VMA.
 */
static bool map_layout(struct mm_struct *mm, const char *pages)
{
	const char *p = pages;

	memset(mm, 0, sizeof(*mm));
	vma_attr_mm_init(mm);
	/* As in the kernel, the lock is external, so none is dropped and retaken. */
	mt_init_flags(&mm->mm_mt, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN);
	current->mm = mm;
	sysctl_max_map_count = DEFAULT_MAX_MAP_COUNT;
	fail_prealloc = false;

	while (*p) {
		const unsigned long addr = TEST_ADDR(p - pages);
		vma_flags_t flags = mk_vma_flags(VMA_READ_BIT, VMA_MAYREAD_BIT,
						 VMA_MAYWRITE_BIT);
		const size_t nr = strspn(p, (char []){ *p, '\0' });

		if (*p == 'w' || *p == 'd')
			vma_flags_set(&flags, VMA_WRITE_BIT);
		if (*p == 'd')
			vma_flags_set(&flags, VMA_DROPPABLE_BIT);
		if (*p != ' ')
			ASSERT_EQ(__mmap_region(NULL, addr, nr * PAGE_SIZE, flags,
						addr >> PAGE_SHIFT, NULL), addr);
		p += nr;
	}

	return true;
}

static void unmap_layout(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);

	sysctl_max_map_count = DEFAULT_MAX_MAP_COUNT;
	cleanup_mm(mm, &vmi);
}

/* The seal bits that these flags of mseal() set. */
static vm_flags_t mseal_bits(unsigned long mseal_flags)
{
	return (vm_flags_t)mseal_flags_to_seals(mseal_flags) << SEAL_SHIFT;
}

/* Seal pages [first, end) with the call of mseal() that sets exactly these bits. */
static int seal_pages(struct mm_struct *mm, int first, int end, vm_flags_t seals)
{
	unsigned long flags = 0;

	while (mseal_bits(flags) != seals) {
		if (++flags > (MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD))
			return -EDOM;	/* No call does this. */
	}

	return vma_attr_seal_range(mm, TEST_ADDR(first), TEST_ADDR(end), flags);
}

static int munmap_pages(struct mm_struct *mm, int first, int end)
{
	VMA_ITERATOR(vmi, mm, TEST_ADDR(first));

	return do_vmi_munmap(&vmi, mm, TEST_ADDR(first),
			     (end - first) * PAGE_SIZE, NULL, /* unlock= */ false);
}

static long mmap_pages(int first, int end, bool writable)
{
	vma_flags_t flags = mk_vma_flags(VMA_READ_BIT, VMA_MAYREAD_BIT,
					 VMA_MAYWRITE_BIT);

	if (writable)
		vma_flags_set(&flags, VMA_WRITE_BIT);

	return __mmap_region(NULL, TEST_ADDR(first), (end - first) * PAGE_SIZE,
			     flags, TEST_ADDR(first) >> PAGE_SHIFT, NULL);
}

/* Run a test with the seals of each value of the flags of mseal(). */
static bool with_all_seals(bool (*test)(vm_flags_t seals))
{
	unsigned long flags;

	for (flags = 0; flags <= (MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD); flags++) {
		if (!test(mseal_bits(flags))) {
			fprintf(stderr, "with mseal() flags 0x%lx\n", flags);
			return false;
		}
	}

	return true;
}

/* Each set of mseal() flags sets its seals; unknown flags are refused. */
static bool test_attr_seals(void)
{
	static const vm_flags_t seals[] = {
		[0] = VM_SEAL_MAP | VM_SEAL_PROT | VM_SEAL_DISCARD_WEAK,
		[MSEAL_MAP] = VM_SEAL_MAP,
		[MSEAL_PROT] = VM_SEAL_PROT,
		[MSEAL_MAP | MSEAL_PROT] = VM_SEAL_MAP | VM_SEAL_PROT,
		[MSEAL_DISCARD] = VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD,
		[MSEAL_MAP | MSEAL_DISCARD] =
			VM_SEAL_MAP | VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD,
		[MSEAL_PROT | MSEAL_DISCARD] =
			VM_SEAL_PROT | VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD,
		[MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD] = VM_SEAL_MAP |
			VM_SEAL_PROT | VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD,
	};
	unsigned long flags;
	int bit;

	ASSERT_EQ(MSEAL_MAP, 0x1);
	ASSERT_EQ(MSEAL_PROT, 0x2);
	ASSERT_EQ(MSEAL_DISCARD, 0x4);

	for (flags = 0; flags < ARRAY_SIZE(seals); flags++) {
		ASSERT_EQ(mseal_bits(flags), seals[flags]);
		ASSERT_TRUE(vma_attr_mseal_flags_known(flags));
		for (bit = 3; bit < BITS_PER_LONG; bit++)
			ASSERT_FALSE(vma_attr_mseal_flags_known(flags | (1UL << bit)));
		ASSERT_FALSE(vma_attr_mseal_flags_known(flags | ~7UL));
	}
	ASSERT_EQ(VM_SEALED, seals[0]);
	ASSERT_EQ(VM_SEAL_ANY, seals[7]);
	ASSERT_EQ(vma_flags_to_legacy(VMA_SEALED), VM_SEALED);
	ASSERT_EQ(vma_flags_to_legacy(VMA_SEAL_ANY), VM_SEAL_ANY);

	return true;
}

/* Every operation has a row in the table, with a unique name. */
static bool test_attr_rules(void)
{
	int op, other;

	for (op = 0; op < NR_VMA_ATTR_OPS; op++) {
		const struct vma_attr_rule *rule = &vma_attr_rules[op];

		ASSERT_TRUE(rule->name && *rule->name);
		ASSERT_EQ((rule->always | rule->unless_writable) & ~SEAL_ANY, 0);
		ASSERT_EQ(rule->always & rule->unless_writable, 0);
		/* Only the operation that changes no attribute asks for no seal. */
		ASSERT_EQ(!rule->always && !rule->unless_writable,
			  op == VMA_ATTR_OP_NONE);
		for (other = 0; other < op; other++)
			ASSERT_NE(strcmp(rule->name, vma_attr_rules[other].name), 0);
	}

	return true;
}

/* How a mapping can be written to. */
enum test_access {
	NOT_WRITABLE,
	WRITABLE,
	KEY_DENIES,
	SHADOW_STACK,
	NR_TEST_ACCESS,
};

/*
 * What the documentation promises, in its order. Not derived from the table in
 * mm/vma_attr.c.
 */
static bool promised(enum vma_attr_op op, vm_flags_t seals, bool anon,
		     enum test_access access)
{
	const bool map = seals & VM_SEAL_MAP;
	const bool prot = seals & VM_SEAL_PROT;
	bool strict = false, discard = false;

	/* SEAL_DISCARD covers everything that the caller cannot write to. */
	if ((seals & VM_SEAL_DISCARD) && access != WRITABLE)
		strict = true;
	/* The weak discard rule covers anonymous memory; shadow stacks are writable. */
	if ((seals & VM_SEAL_DISCARD_WEAK) && anon &&
	    (access == NOT_WRITABLE || access == KEY_DENIES))
		discard = true;

	switch (op) {
	case VMA_ATTR_OP_NONE:
		return true;
	/* Where it is, and that it stays. */
	case VMA_ATTR_OP_UNMAP:
	case VMA_ATTR_OP_REMAP:
		return !map;
	/* On every kind of mapping; a shadow stack counts as not writable. */
	case VMA_ATTR_OP_DONTFORK:
		return !map || access == WRITABLE;
	/* What it permits; a guard page permits nothing. */
	case VMA_ATTR_OP_PROTECT:
	case VMA_ATTR_OP_GUARD_REMOVE:
		return !prot;
	/* What it holds. */
	case VMA_ATTR_OP_DISCARD:
	case VMA_ATTR_OP_WIPEONFORK:
		return !strict && !discard;
	case VMA_ATTR_OP_KEEPONFORK:
	case VMA_ATTR_OP_UFFD_REGISTER:
	case VMA_ATTR_OP_UFFD_FILL:
	case VMA_ATTR_OP_UFFD_EMPTY:
	case VMA_ATTR_OP_ZEROCOPY:
		return !strict;
	/* Two attributes at once. */
	case VMA_ATTR_OP_REMAP_EMPTY:
		return !map && !strict;
	case VMA_ATTR_OP_GUARD_INSTALL:
		return !prot && !strict && !discard;
	case NR_VMA_ATTR_OPS:
		break;
	}

	fprintf(stderr, "Operation %d is not in the test\n", op);
	abort();
}

static bool permits_as_promised(enum vma_attr_op op, vm_flags_t seals,
				bool anon, enum test_access access)
{
	struct mm_struct mm = {};
	struct vm_area_struct vma = {
		.vm_mm = &mm,
		.vm_ops = anon ? NULL : &vma_dummy_vm_ops,
	};
	vm_flags_t flags = VM_READ | VM_MAYREAD | VM_MAYWRITE;
	vm_flags_t refusing;
	bool permits;

	if (access != NOT_WRITABLE)
		flags |= VM_WRITE;
	if (access == SHADOW_STACK)
		flags |= VM_SHADOW_STACK;
	vma.flags = legacy_to_vma_flags(flags | seals);

	current->mm = &mm;
	test_pkey_permits_write = access != KEY_DENIES;
	permits = vma_attr_permits(&vma, op);
	refusing = (vm_flags_t)vma_attr_refusing_seals(&vma, op) << SEAL_SHIFT;
	test_pkey_permits_write = true;

	ASSERT_EQ(vma_attr_sealed(&vma), seals != 0);
	ASSERT_EQ(permits, promised(op, seals, anon, access));

	/* Those that refuse are some of its seals, and would refuse alone. */
	ASSERT_EQ(refusing & ~seals, 0);
	ASSERT_EQ(permits, !refusing);
	ASSERT_EQ(permits, promised(op, refusing, anon, access));
	/* Of the two about contents the one that is a flag of mseal(). */
	ASSERT_TRUE(!(refusing & VM_SEAL_DISCARD) || !(refusing & VM_SEAL_DISCARD_WEAK));

	return true;
}

/* Every operation with every set of seals on every kind of mapping. */
static bool test_attr_permits(void)
{
	static const vm_flags_t bits[] = {
		VM_SEAL_MAP, VM_SEAL_PROT, VM_SEAL_DISCARD_WEAK, VM_SEAL_DISCARD,
	};
	int op, set, kind, i;

	ASSERT_NE(VM_SHADOW_STACK, 0);

	for (op = 0; op < NR_VMA_ATTR_OPS; op++) {
		for (set = 0; set < (1 << ARRAY_SIZE(bits)); set++) {
			vm_flags_t seals = 0;

			for (i = 0; i < ARRAY_SIZE(bits); i++) {
				if (set & (1 << i))
					seals |= bits[i];
			}

			for (kind = 0; kind < 2 * NR_TEST_ACCESS; kind++) {
				const bool anon = kind & 1;
				const enum test_access access = kind / 2;

				if (permits_as_promised(op, seals, anon, access))
					continue;
				fprintf(stderr, "%s, seals %c, anon %d, access %d\n",
					vma_attr_rules[op].name,
					seals_to_char(seals), anon, access);
				return false;
			}
		}
	}

	return true;
}

static bool seal_one(vm_flags_t seals)
{
	struct mm_struct mm;

	/* Inside one VMA. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	ASSERT_EQ(seal_pages(&mm, 2, 4, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|..|##|..|", seals);
	unmap_layout(&mm);

	/* At its start. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|##|....|", seals);
	unmap_layout(&mm);

	/* At its end. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	ASSERT_EQ(seal_pages(&mm, 5, 6, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|.....|#|", seals);
	unmap_layout(&mm);

	/* All of it, and not its neighbours. */
	ASSERT_TRUE(map_layout(&mm, "rrwwrr"));
	ASSERT_EQ(seal_pages(&mm, 2, 4, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|..|##|..|", seals);
	unmap_layout(&mm);

	return true;
}

/* A range in one VMA gets borders exactly at its ends. */
static bool test_attr_seal_one(void)
{
	return with_all_seals(seal_one);
}

static bool seal_several(vm_flags_t seals)
{
	struct mm_struct mm;

	/* From border to border. */
	ASSERT_TRUE(map_layout(&mm, "wwrrww"));
	ASSERT_EQ(seal_pages(&mm, 0, 6, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|##|##|##|", seals);
	unmap_layout(&mm);

	/* Parts of the outer two. */
	ASSERT_TRUE(map_layout(&mm, "wwwrrrwww"));
	ASSERT_EQ(seal_pages(&mm, 2, 7, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|..|#|###|#|..|", seals);
	unmap_layout(&mm);

	/* Two of the three. */
	ASSERT_TRUE(map_layout(&mm, "wwwrrrwww"));
	ASSERT_EQ(seal_pages(&mm, 1, 6, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|.|##|###|...|", seals);
	unmap_layout(&mm);

	/* Gaps outside of the range do not matter. */
	ASSERT_TRUE(map_layout(&mm, "ww wrrw ww"));
	ASSERT_EQ(seal_pages(&mm, 3, 7, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|..| |#|##|#| |..|", seals);
	unmap_layout(&mm);

	return true;
}

/* A range over several VMAs. */
static bool test_attr_seal_several(void)
{
	return with_all_seals(seal_several);
}

static bool seal_gaps(vm_flags_t seals)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "  wwww  rrrr  "));

	/* Nothing is mapped in the range. */
	ASSERT_REFUSED(&mm, seal_pages(&mm, 0, 2, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 6, 8, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 12, 14, seals), -ENOMEM);
	/* At the start. */
	ASSERT_REFUSED(&mm, seal_pages(&mm, 1, 4, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 7, 12, seals), -ENOMEM);
	/* In the middle. */
	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 12, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 5, 9, seals), -ENOMEM);
	/* At the end. */
	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 7, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 10, 13, seals), -ENOMEM);
	/* Both. */
	ASSERT_REFUSED(&mm, seal_pages(&mm, 0, 14, seals), -ENOMEM);

	ASSERT_LAYOUT(&mm, "  |....|  |....|");
	ASSERT_FALSE(vma_attr_mm_sealed(&mm));

	unmap_layout(&mm);
	return true;
}

/* A gap anywhere in the range: refused, nothing sealed, nothing split. */
static bool test_attr_seal_gaps(void)
{
	return with_all_seals(seal_gaps);
}

static bool seal_again(vm_flags_t seals)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwwwwwww"));
	ASSERT_EQ(seal_pages(&mm, 2, 6, seals), 0);

	/* The same range, or a part of it: no change, and no temporary split. */
	sysctl_max_map_count = mm.map_count;
	ASSERT_EQ(seal_pages(&mm, 2, 6, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 3, 5, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 2, 3, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|..|####|..|", seals);
	sysctl_max_map_count = DEFAULT_MAX_MAP_COUNT;

	/* A larger range merges with what is sealed. */
	ASSERT_EQ(seal_pages(&mm, 1, 4, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|.|#####|..|", seals);
	ASSERT_EQ(seal_pages(&mm, 4, 7, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|.|######|.|", seals);
	ASSERT_EQ(seal_pages(&mm, 0, 8, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|########|", seals);

	unmap_layout(&mm);
	return true;
}

/* Sealing what is sealed already. */
static bool test_attr_seal_again(void)
{
	return with_all_seals(seal_again);
}

/* Seals add up; none is ever cleared. */
static bool test_attr_seal_accumulate(void)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwwwwwww"));
	ASSERT_EQ(seal_pages(&mm, 1, 5, VM_SEAL_MAP), 0);
	ASSERT_LAYOUT(&mm, "|.|1111|...|");
	ASSERT_EQ(seal_pages(&mm, 3, 7, VM_SEAL_PROT), 0);
	ASSERT_LAYOUT(&mm, "|.|11|33|22|.|");
	ASSERT_EQ(seal_pages(&mm, 4, 6, VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD), 0);
	ASSERT_LAYOUT(&mm, "|.|11|3|f|e|2|.|");
	/* mseal() without flags clears none, either. */
	ASSERT_EQ(seal_pages(&mm, 0, 8, VM_SEALED), 0);
	ASSERT_LAYOUT(&mm, "|7777|ff|77|");
	ASSERT_EQ(seal_pages(&mm, 0, 8, VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD), 0);
	ASSERT_LAYOUT(&mm, "|ffffffff|");

	unmap_layout(&mm);
	return true;
}

static bool seal_merge(vm_flags_t seals)
{
	const vm_flags_t other = seals == VM_SEAL_MAP ? VM_SEAL_PROT : VM_SEAL_MAP;
	char want[LAYOUT_LEN];
	struct mm_struct mm;

	/* With an equal neighbour on the left. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 2, 4, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|####|..|", seals);
	unmap_layout(&mm);

	/* On the right. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	ASSERT_EQ(seal_pages(&mm, 4, 6, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 2, 4, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|..|####|", seals);
	unmap_layout(&mm);

	/* On both sides. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 4, 6, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|##|..|##|", seals);
	ASSERT_EQ(seal_pages(&mm, 2, 4, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|######|", seals);
	unmap_layout(&mm);

	/* A sealed VMA in the middle of the range merges with the rest. */
	ASSERT_TRUE(map_layout(&mm, "wwwwwwww"));
	ASSERT_EQ(seal_pages(&mm, 3, 5, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|...|##|...|", seals);
	ASSERT_EQ(seal_pages(&mm, 1, 7, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|.|######|.|", seals);
	unmap_layout(&mm);

	/* Not with one that has other seals. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, other), 0);
	ASSERT_EQ(seal_pages(&mm, 4, 6, seals | other), 0);
	ASSERT_EQ(seal_pages(&mm, 2, 4, seals), 0);
	snprintf(want, sizeof(want), "|%c%c|##%s%c%c|", seals_to_char(other),
		 seals_to_char(other), seals & other ? "" : "|",
		 seals_to_char(seals | other), seals_to_char(seals | other));
	ASSERT_LAYOUT_SEALS(&mm, want, seals);
	unmap_layout(&mm);

	/* Not with one of another protection, and not across a gap. */
	ASSERT_TRUE(map_layout(&mm, "wwrr wwrr"));
	ASSERT_EQ(seal_pages(&mm, 5, 7, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 0, 2, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 2, 4, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 7, 9, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|##|##| |##|##|", seals);
	unmap_layout(&mm);

	return true;
}

/* VMAs that become equal merge, and no others do. */
static bool test_attr_seal_merge(void)
{
	return with_all_seals(seal_merge);
}

#define EXHAUSTIVE_PAGES 6

/* Each run of pages with equal seals is a VMA. */
static void write_runs(const vm_flags_t *page_seals, char *buf)
{
	int page;

	*buf++ = '|';
	for (page = 0; page < EXHAUSTIVE_PAGES; page++) {
		if (page && page_seals[page] != page_seals[page - 1])
			*buf++ = '|';
		*buf++ = seals_to_char(page_seals[page]);
	}
	*buf++ = '|';
	*buf = '\0';
}

static bool seal_range_of(const vm_flags_t *page_seals, int first, int end,
			  vm_flags_t seals)
{
	vm_flags_t want_seals[EXHAUSTIVE_PAGES];
	char before[LAYOUT_LEN], want[LAYOUT_LEN];
	struct mm_struct mm;
	int page;

	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	for (page = 0; page < EXHAUSTIVE_PAGES; page++) {
		if (page_seals[page])
			ASSERT_EQ(seal_pages(&mm, page, page + 1,
					     page_seals[page]), 0);
		want_seals[page] = page_seals[page];
		if (page >= first && page < end)
			want_seals[page] |= seals;
	}
	write_runs(page_seals, before);
	ASSERT_LAYOUT(&mm, before);

	ASSERT_EQ(seal_pages(&mm, first, end, seals), 0);
	write_runs(want_seals, want);
	ASSERT_LAYOUT(&mm, want);

	unmap_layout(&mm);
	return true;
}

/*
 * Seal every range of pages that have every mix of some seals. Each page has the
 * expected seals then, and equal neighbours are one VMA.
 */
static bool test_attr_seal_exhaustive(void)
{
	static const vm_flags_t some_seals[] = {
		0, VM_SEAL_MAP, VM_SEAL_MAP | VM_SEAL_PROT,
	};
	vm_flags_t page_seals[EXHAUSTIVE_PAGES];
	int mix, nr_mixes = 1, page, rest, first, end, i;

	for (page = 0; page < EXHAUSTIVE_PAGES; page++)
		nr_mixes *= ARRAY_SIZE(some_seals);

	for (mix = 0; mix < nr_mixes; mix++) {
		for (page = 0, rest = mix; page < EXHAUSTIVE_PAGES; page++) {
			page_seals[page] = some_seals[rest % ARRAY_SIZE(some_seals)];
			rest /= ARRAY_SIZE(some_seals);
		}

		for (first = 0; first < EXHAUSTIVE_PAGES; first++) {
			for (end = first + 1; end <= EXHAUSTIVE_PAGES; end++) {
				for (i = 1; i < ARRAY_SIZE(some_seals); i++)
					ASSERT_TRUE(seal_range_of(page_seals, first,
								  end, some_seals[i]));
			}
		}
	}

	return true;
}

static bool seal_max_map_count(vm_flags_t seals)
{
	struct mm_struct mm;

	/* No room for any split. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	sysctl_max_map_count = 1;
	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 4, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 0, 4, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 6, seals), -ENOMEM);
	ASSERT_LAYOUT(&mm, "|......|");

	/* Room for one split, which is made and has to be undone. */
	sysctl_max_map_count = 2;
	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 4, seals), -ENOMEM);
	ASSERT_LAYOUT(&mm, "|......|");
	ASSERT_FALSE(vma_attr_mm_sealed(&mm));

	/* Room for both. */
	sysctl_max_map_count = 3;
	ASSERT_EQ(seal_pages(&mm, 2, 4, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|..|##|..|", seals);
	unmap_layout(&mm);

	/* No split is needed. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	sysctl_max_map_count = 1;
	ASSERT_EQ(seal_pages(&mm, 0, 6, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|######|", seals);
	unmap_layout(&mm);

	/* The split to undo is in another VMA than the failed one. */
	ASSERT_TRUE(map_layout(&mm, "wwwrrrwww"));
	sysctl_max_map_count = 4;
	ASSERT_REFUSED(&mm, seal_pages(&mm, 1, 8, seals), -ENOMEM);
	ASSERT_LAYOUT(&mm, "|...|...|...|");
	unmap_layout(&mm);

	/* Only one end needs a split. */
	ASSERT_TRUE(map_layout(&mm, "wwwrrr"));
	sysctl_max_map_count = 3;
	ASSERT_EQ(seal_pages(&mm, 1, 6, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|.|##|###|", seals);
	unmap_layout(&mm);

	/* Page by page: the border moves, to the right and to the left. */
	ASSERT_TRUE(map_layout(&mm, "wwwwwwwwww"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 8, 10, seals), 0);
	sysctl_max_map_count = 3;
	ASSERT_EQ(seal_pages(&mm, 2, 3, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 3, 5, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|#####|...|##|", seals);
	ASSERT_EQ(seal_pages(&mm, 7, 8, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|#####|..|###|", seals);
	ASSERT_EQ(seal_pages(&mm, 5, 7, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|##########|", seals);
	unmap_layout(&mm);

	/* The end of a range of several moves the border of its last VMA. */
	ASSERT_TRUE(map_layout(&mm, "wwwwwwww"));
	ASSERT_EQ(seal_pages(&mm, 0, 4, seals), 0);
	sysctl_max_map_count = 2;
	ASSERT_EQ(seal_pages(&mm, 2, 6, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|######|..|", seals);
	unmap_layout(&mm);

	/* Its start is split, even if its piece could join the second. */
	ASSERT_TRUE(map_layout(&mm, "wwwwwwww"));
	ASSERT_EQ(seal_pages(&mm, 4, 8, seals), 0);
	sysctl_max_map_count = 2;
	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 6, seals), -ENOMEM);
	sysctl_max_map_count = 3;
	ASSERT_EQ(seal_pages(&mm, 2, 6, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|..|######|", seals);
	unmap_layout(&mm);

	return true;
}

static unsigned int nr_closed;

static void count_close(struct vm_area_struct *vma)
{
	nr_closed++;
}

static bool seal_close(vm_flags_t seals)
{
	static const struct vm_operations_struct ops = {
		.close = count_close,
	};
	struct mm_struct mm;

	nr_closed = 0;
	ASSERT_TRUE(map_layout(&mm, "wwwwwwww"));
	vma_lookup(&mm, TEST_ADDR(0))->vm_ops = &ops;

	/* Bit by bit, in both directions: two VMAs, then one. */
	ASSERT_EQ(seal_pages(&mm, 3, 4, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|...|#|....|", seals);
	ASSERT_EQ(seal_pages(&mm, 4, 5, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 5, 7, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 2, 3, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 1, 2, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|.|######|.|", seals);
	ASSERT_EQ(nr_closed, 0);

	/* A whole VMA that would have to be closed stays apart. */
	ASSERT_EQ(seal_pages(&mm, 7, 8, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 0, 1, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|#|######|#|", seals);
	ASSERT_EQ(nr_closed, 0);
	unmap_layout(&mm);

	/* One split is possible, and the other is not: what was split stays so. */
	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	vma_lookup(&mm, TEST_ADDR(0))->vm_ops = &ops;
	sysctl_max_map_count = 2;
	ASSERT_EQ(seal_pages(&mm, 1, 3, seals), -ENOMEM);
	sysctl_max_map_count = DEFAULT_MAX_MAP_COUNT;
	ASSERT_LAYOUT_SEALS(&mm, "|.|.....|", seals);
	ASSERT_EQ(nr_closed, 0);

	unmap_layout(&mm);
	return true;
}

/* A mapping with vm_ops->close() is sealed bit by bit: its pieces join. */
static bool test_attr_seal_close(void)
{
	return with_all_seals(seal_close);
}

/* At vm.max_map_count the whole range is sealed, or nothing. */
static bool test_attr_seal_max_map_count(void)
{
	return with_all_seals(seal_max_map_count);
}

/* Without memory for a split nothing changes; a failed merge only leaves borders. */
static bool test_attr_seal_nomem(void)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, VM_SEALED), 0);
	fail_prealloc = true;
	ASSERT_REFUSED(&mm, seal_pages(&mm, 3, 5, VM_SEAL_MAP), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 0, 5, VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD),
		       -ENOMEM);
	ASSERT_EQ(seal_pages(&mm, 2, 6, VM_SEALED), 0);
	fail_prealloc = false;
	ASSERT_LAYOUT(&mm, "|77|7777|");

	/* The next seal on both VMAs merges them. */
	ASSERT_EQ(seal_pages(&mm, 0, 6, VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD), 0);
	ASSERT_LAYOUT(&mm, "|ffffff|");

	unmap_layout(&mm);
	return true;
}

/* mseal() that fails joins only what it has split. */
static bool test_attr_seal_apart(void)
{
	struct mm_struct mm;

	/* Two VMAs that could be one, because there was no memory to merge them. */
	ASSERT_TRUE(map_layout(&mm, "wwwwwwrr"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, VM_SEALED), 0);
	fail_prealloc = true;
	ASSERT_EQ(seal_pages(&mm, 2, 6, VM_SEALED), 0);
	fail_prealloc = false;
	ASSERT_LAYOUT(&mm, "|77|7777|..|");

	sysctl_max_map_count = 3;
	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 7, VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD),
		       -ENOMEM);
	sysctl_max_map_count = DEFAULT_MAX_MAP_COUNT;
	ASSERT_LAYOUT(&mm, "|77|7777|..|");

	unmap_layout(&mm);
	return true;
}

static bool seal_nomem_whole(vm_flags_t seals)
{
	struct mm_struct mm;

	/* Pages 2 to 6 are whole VMAs, with a neighbour that they could join. */
	ASSERT_TRUE(map_layout(&mm, "wwwwrrrr"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 6, 8, seals), 0);
	fail_prealloc = true;

	/* A border cannot be moved without memory, and no VMA be split. */
	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 3, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 5, 6, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 3, 6, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 5, seals), -ENOMEM);
	ASSERT_LAYOUT_SEALS(&mm, "|##|..|..|##|", seals);

	/* Whole VMAs are sealed all the same, the last of them and those before. */
	ASSERT_EQ(seal_pages(&mm, 2, 6, seals), 0);
	ASSERT_LAYOUT_SEALS(&mm, "|##|##|##|##|", seals);
	fail_prealloc = false;

	unmap_layout(&mm);
	return true;
}

/* Whole VMAs are sealed without memory; they only stay apart. */
static bool test_attr_seal_nomem_whole(void)
{
	return with_all_seals(seal_nomem_whole);
}

static int refuse_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

/* A mapping that cannot be split: the error is returned, nothing is sealed. */
static bool test_attr_seal_may_split(void)
{
	static const struct vm_operations_struct ops = {
		.may_split = refuse_split,
	};
	struct vm_area_struct *vma;
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwwwrrrr"));
	vma = vma_lookup(&mm, TEST_ADDR(4));
	vma->vm_ops = &ops;

	ASSERT_REFUSED(&mm, seal_pages(&mm, 2, 6, VM_SEALED), -EINVAL);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 5, 8, VM_SEALED), -EINVAL);
	ASSERT_LAYOUT(&mm, "|....|....|");
	ASSERT_FALSE(vma_attr_mm_sealed(&mm));

	ASSERT_EQ(seal_pages(&mm, 2, 8, VM_SEALED), 0);
	ASSERT_LAYOUT(&mm, "|..|77|7777|");

	unmap_layout(&mm);
	return true;
}

static bool seal_droppable(vm_flags_t seals)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwwdddwww"));
	if (seals & VM_SEAL_DISCARD) {
		ASSERT_REFUSED(&mm, seal_pages(&mm, 3, 6, seals), -EINVAL);
		ASSERT_REFUSED(&mm, seal_pages(&mm, 1, 8, seals), -EINVAL);
		ASSERT_REFUSED(&mm, seal_pages(&mm, 4, 5, seals), -EINVAL);
		ASSERT_LAYOUT(&mm, "|...|...|...|");
	} else {
		ASSERT_EQ(seal_pages(&mm, 2, 8, seals), 0);
		ASSERT_LAYOUT_SEALS(&mm, "|..|#|###|##|.|", seals);
	}

	unmap_layout(&mm);
	return true;
}

/* SEAL_DISCARD is refused for MAP_DROPPABLE: the kernel may drop it any time. */
static bool test_attr_seal_droppable(void)
{
	return with_all_seals(seal_droppable);
}

static bool seal_lsm_refuses(vm_flags_t seals)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "ww rrdd"));
	test_mseal_error = -EACCES;
	ASSERT_REFUSED(&mm, seal_pages(&mm, 0, 2, seals), -EPERM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 1, 4, seals), -ENOMEM);
	ASSERT_REFUSED(&mm, seal_pages(&mm, 3, 7, seals),
		       seals & VM_SEAL_DISCARD ? -EINVAL : -EPERM);
	ASSERT_FALSE(vma_attr_mm_sealed(&mm));
	test_mseal_error = 0;

	unmap_layout(&mm);
	return true;
}

/* An LSM is asked last, when the range is known to be all right. */
static bool test_attr_seal_lsm_refuses(void)
{
	return with_all_seals(seal_lsm_refuses);
}

/* A VMA is write locked before it is sealed, so that readers see all or no bits. */
static bool test_attr_seal_write_locks(void)
{
	struct vm_area_struct *left, *middle, *right;
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwrrww"));
	left = vma_lookup(&mm, TEST_ADDR(0));
	middle = vma_lookup(&mm, TEST_ADDR(2));
	right = vma_lookup(&mm, TEST_ADDR(4));

	ASSERT_EQ(seal_pages(&mm, 4, 6, VM_SEALED), 0);
	left->vm_lock_seq = UINT_MAX;
	middle->vm_lock_seq = UINT_MAX;
	right->vm_lock_seq = UINT_MAX;
	ASSERT_EQ(seal_pages(&mm, 2, 6, VM_SEALED), 0);
	ASSERT_FALSE(vma_write_started(left));
	ASSERT_TRUE(vma_write_started(middle));
	/* It had all seals already. */
	ASSERT_FALSE(vma_write_started(right));
	ASSERT_LAYOUT(&mm, "|..|77|77|");

	unmap_layout(&mm);
	return true;
}

static bool bounds_are(struct mm_struct *mm, int first, int end)
{
	return mm->seal_start == TEST_ADDR(first) && mm->seal_end == TEST_ADDR(end);
}

static bool bounds_are_everywhere(struct mm_struct *mm)
{
	return mm->seal_start == 0 && mm->seal_end == ULONG_MAX;
}

/* An mm has bounds of its seals from the first seal on, and not before. */
static bool test_attr_mm_sealed(void)
{
	struct vm_area_struct vma = {};
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwww ww"));
	ASSERT_FALSE(vma_attr_mm_sealed(&mm));
	ASSERT_EQ(seal_pages(&mm, 2, 6, VM_SEAL_MAP), -ENOMEM);
	ASSERT_FALSE(vma_attr_mm_sealed(&mm));
	ASSERT_EQ(seal_pages(&mm, 1, 2, VM_SEAL_PROT), 0);
	ASSERT_TRUE(vma_attr_mm_sealed(&mm));
	ASSERT_EQ(munmap_pages(&mm, 0, 7), 0);
	ASSERT_EQ(mm.map_count, 0);
	ASSERT_TRUE(vma_attr_mm_sealed(&mm));
	unmap_layout(&mm);

	ASSERT_TRUE(map_layout(&mm, ""));
	vma.vm_mm = &mm;
	vma.vm_start = TEST_ADDR(3);
	vma.vm_end = TEST_ADDR(5);
	ASSERT_FALSE(vma_attr_mm_sealed(&mm));
	vma_attr_seal_made(&vma);
	ASSERT_EQ(vma.vm_flags & VM_SEAL_ANY, VM_SEALED);
	ASSERT_TRUE(vma_attr_mm_sealed(&mm));
	ASSERT_TRUE(bounds_are(&mm, 3, 5));

	unmap_layout(&mm);
	return true;
}

/* The bounds widen, and cover wherever a sealed VMA can go. */
static bool test_attr_bounds(void)
{
	struct mm_struct mm, child;

	/*
	 *  0123456789
	 * "wwwwwwrrrr"
	 */
	ASSERT_TRUE(map_layout(&mm, "wwwwwwrrrr"));
	ASSERT_EQ(seal_pages(&mm, 3, 4, VM_SEALED), 0);
	ASSERT_TRUE(bounds_are(&mm, 3, 4));
	ASSERT_EQ(seal_pages(&mm, 6, 8, VM_SEAL_MAP), 0);
	ASSERT_TRUE(bounds_are(&mm, 3, 8));
	ASSERT_EQ(seal_pages(&mm, 1, 2, VM_SEAL_MAP), 0);
	ASSERT_TRUE(bounds_are(&mm, 1, 8));
	/* A VMA that has MAP already gets another seal. */
	ASSERT_EQ(seal_pages(&mm, 3, 4, VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD), 0);
	ASSERT_TRUE(bounds_are(&mm, 1, 8));
	/* A refused call does not change the bounds. */
	ASSERT_EQ(seal_pages(&mm, 9, 12, VM_SEAL_MAP), -ENOMEM);
	ASSERT_TRUE(bounds_are(&mm, 1, 8));

	vma_attr_mm_init(&child);
	ASSERT_FALSE(vma_attr_mm_sealed(&child));
	vma_attr_dup_mm(&child, &mm);
	ASSERT_TRUE(bounds_are(&child, 1, 8));

	/* Without MAP a VMA may move anywhere. */
	ASSERT_EQ(seal_pages(&mm, 9, 10, VM_SEAL_PROT), 0);
	ASSERT_TRUE(bounds_are_everywhere(&mm));
	ASSERT_EQ(seal_pages(&mm, 9, 10, VM_SEAL_MAP), 0);
	ASSERT_TRUE(bounds_are_everywhere(&mm));
	unmap_layout(&mm);

	/* It is enough that one of several VMAs may move. */
	ASSERT_TRUE(map_layout(&mm, "wwrr"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, VM_SEAL_MAP), 0);
	ASSERT_TRUE(bounds_are(&mm, 0, 2));
	ASSERT_EQ(seal_pages(&mm, 0, 4, VM_SEAL_PROT), 0);
	ASSERT_TRUE(bounds_are_everywhere(&mm));
	unmap_layout(&mm);

	/* The same if it is the first of them. */
	ASSERT_TRUE(map_layout(&mm, "wwrr"));
	ASSERT_EQ(seal_pages(&mm, 2, 4, VM_SEAL_MAP), 0);
	ASSERT_TRUE(bounds_are(&mm, 2, 4));
	ASSERT_EQ(seal_pages(&mm, 0, 4, VM_SEAL_PROT), 0);
	ASSERT_TRUE(bounds_are_everywhere(&mm));
	unmap_layout(&mm);

	/* A stack grows, whatever its seals. */
	ASSERT_TRUE(map_layout(&mm, "wwrr"));
	vma_set_flags_mask(vma_lookup(&mm, TEST_ADDR(2)),
			   legacy_to_vma_flags(VM_GROWSDOWN));
	ASSERT_EQ(seal_pages(&mm, 0, 4, VM_SEALED), 0);
	ASSERT_TRUE(bounds_are_everywhere(&mm));
	unmap_layout(&mm);

	return true;
}

static bool range_permits(struct mm_struct *mm, int first, int end,
			  enum vma_attr_op op)
{
	return vma_attr_range_permits(mm, TEST_ADDR(first), TEST_ADDR(end), op);
}

static bool permits_to(struct mm_struct *mm, int first, int end,
		       enum vma_attr_op op)
{
	return vma_attr_permits_to(vma_lookup(mm, TEST_ADDR(first)),
				   TEST_ADDR(end), op);
}

/* Ask for ranges with gaps in them. */
static bool test_attr_range_permits(void)
{
	struct mm_struct mm;

	/*
	 *  012345678901234
	 * "wwww  rrrrww rr"
	 *    11    22     f
	 */
	ASSERT_TRUE(map_layout(&mm, "wwww  rrrrww rr"));
	ASSERT_EQ(seal_pages(&mm, 2, 4, VM_SEAL_MAP), 0);
	ASSERT_EQ(seal_pages(&mm, 8, 10, VM_SEAL_PROT), 0);
	ASSERT_EQ(seal_pages(&mm, 14, 15, VM_SEAL_ANY), 0);
	ASSERT_LAYOUT(&mm, "|..|11|  |..|22|..| |.|f|");

	/* Up to the sealed one, into it, from it on. */
	ASSERT_TRUE(range_permits(&mm, 0, 2, VMA_ATTR_OP_UNMAP));
	ASSERT_FALSE(range_permits(&mm, 0, 3, VMA_ATTR_OP_UNMAP));
	ASSERT_FALSE(range_permits(&mm, 3, 6, VMA_ATTR_OP_UNMAP));
	ASSERT_TRUE(range_permits(&mm, 4, 14, VMA_ATTR_OP_UNMAP));
	ASSERT_FALSE(range_permits(&mm, 4, 15, VMA_ATTR_OP_UNMAP));
	/* Another attribute. */
	ASSERT_TRUE(range_permits(&mm, 0, 8, VMA_ATTR_OP_PROTECT));
	ASSERT_FALSE(range_permits(&mm, 0, 9, VMA_ATTR_OP_PROTECT));
	ASSERT_TRUE(range_permits(&mm, 10, 14, VMA_ATTR_OP_PROTECT));
	ASSERT_TRUE(range_permits(&mm, 0, 14, VMA_ATTR_OP_DISCARD));
	ASSERT_FALSE(range_permits(&mm, 0, 15, VMA_ATTR_OP_DISCARD));
	ASSERT_TRUE(range_permits(&mm, 0, 15, VMA_ATTR_OP_NONE));
	/* Only a gap. */
	ASSERT_TRUE(range_permits(&mm, 4, 6, VMA_ATTR_OP_UNMAP));

	/* With the first VMA at hand. */
	ASSERT_FALSE(permits_to(&mm, 2, 4, VMA_ATTR_OP_UNMAP));
	ASSERT_TRUE(permits_to(&mm, 2, 4, VMA_ATTR_OP_PROTECT));
	ASSERT_TRUE(permits_to(&mm, 6, 14, VMA_ATTR_OP_UNMAP));
	ASSERT_FALSE(permits_to(&mm, 6, 15, VMA_ATTR_OP_UNMAP));
	ASSERT_TRUE(permits_to(&mm, 0, 2, VMA_ATTR_OP_UNMAP));
	ASSERT_FALSE(permits_to(&mm, 0, 3, VMA_ATTR_OP_UNMAP));
	ASSERT_TRUE(permits_to(&mm, 6, 8, VMA_ATTR_OP_PROTECT));
	ASSERT_FALSE(permits_to(&mm, 6, 9, VMA_ATTR_OP_PROTECT));
	ASSERT_FALSE(permits_to(&mm, 0, 9, VMA_ATTR_OP_PROTECT));
	ASSERT_TRUE(permits_to(&mm, 10, 14, VMA_ATTR_OP_PROTECT));
	/* The VMA that find_vma() returns for a gap. */
	ASSERT_FALSE(permits_to(&mm, 14, 15, VMA_ATTR_OP_UNMAP));
	ASSERT_TRUE(permits_to(&mm, 14, 14, VMA_ATTR_OP_UNMAP));

	/* Outside the bounds no VMA is looked at. */
	mm.seal_start = TEST_ADDR(4);
	mm.seal_end = TEST_ADDR(14);
	ASSERT_TRUE(permits_to(&mm, 2, 4, VMA_ATTR_OP_UNMAP));
	ASSERT_TRUE(range_permits(&mm, 2, 4, VMA_ATTR_OP_UNMAP));
	ASSERT_FALSE(range_permits(&mm, 2, 5, VMA_ATTR_OP_UNMAP));
	ASSERT_TRUE(permits_to(&mm, 14, 15, VMA_ATTR_OP_UNMAP));
	ASSERT_TRUE(range_permits(&mm, 14, 15, VMA_ATTR_OP_UNMAP));
	ASSERT_FALSE(range_permits(&mm, 13, 15, VMA_ATTR_OP_UNMAP));

	unmap_layout(&mm);
	return true;
}

/* A monitor in another process cannot write to memory that has a key. */
static bool test_attr_other_mm(void)
{
	struct mm_struct mm, other = {};
	struct vm_area_struct *vma;

	ASSERT_TRUE(map_layout(&mm, "ww"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, VM_SEAL_DISCARD_WEAK | VM_SEAL_DISCARD), 0);
	vma = vma_lookup(&mm, TEST_ADDR(0));

	current->mm = &other;
	ASSERT_TRUE(vma_attr_permits(vma, VMA_ATTR_OP_UFFD_FILL));
	test_pkey = 1;
	ASSERT_FALSE(vma_attr_permits(vma, VMA_ATTR_OP_UFFD_FILL));
	current->mm = &mm;
	ASSERT_TRUE(vma_attr_permits(vma, VMA_ATTR_OP_UFFD_FILL));
	test_pkey = 0;

	unmap_layout(&mm);
	return true;
}

/* Truncation keeps private copies under SEAL_DISCARD, unless writable. */
static bool test_attr_keeps_cows(void)
{
	struct vm_area_struct *readable, *writable;
	unsigned long flags;
	struct mm_struct mm;

	for (flags = 0; flags <= (MSEAL_MAP | MSEAL_PROT | MSEAL_DISCARD); flags++) {
		ASSERT_TRUE(map_layout(&mm, "rrww"));
		readable = vma_lookup(&mm, TEST_ADDR(0));
		writable = vma_lookup(&mm, TEST_ADDR(2));
		ASSERT_FALSE(vma_attr_keeps_cows(readable));
		ASSERT_EQ(seal_pages(&mm, 0, 4, mseal_bits(flags)), 0);
		ASSERT_EQ(vma_attr_keeps_cows(readable), !!(flags & MSEAL_DISCARD));
		ASSERT_FALSE(vma_attr_keeps_cows(writable));
		unmap_layout(&mm);
	}

	return true;
}

static bool munmap_sealed(vm_flags_t seals)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwwwrrrr  wwww"));
	ASSERT_EQ(seal_pages(&mm, 4, 8, seals), 0);

	if (seals & VM_SEAL_MAP) {
		/* All, a part, from the left, from the right, across the gap. */
		ASSERT_REFUSED(&mm, munmap_pages(&mm, 4, 8), -EPERM);
		ASSERT_REFUSED(&mm, munmap_pages(&mm, 5, 7), -EPERM);
		ASSERT_REFUSED(&mm, munmap_pages(&mm, 0, 8), -EPERM);
		ASSERT_REFUSED(&mm, munmap_pages(&mm, 2, 5), -EPERM);
		ASSERT_REFUSED(&mm, munmap_pages(&mm, 7, 12), -EPERM);
		ASSERT_REFUSED(&mm, munmap_pages(&mm, 2, 12), -EPERM);
		nr_refusals = 0;
		ASSERT_REFUSED(&mm, munmap_pages(&mm, 0, 14), -EPERM);
		ASSERT_LAYOUT_SEALS(&mm, "|....|####|  |....|", seals);

		/* One report, about the range of the call and from its first VMA on. */
		ASSERT_EQ(nr_refusals, 1);
		ASSERT_EQ(last_refusal.op, VMA_ATTR_OP_UNMAP);
		ASSERT_EQ(last_refusal.start, TEST_ADDR(0));
		ASSERT_EQ(last_refusal.end, TEST_ADDR(14));
		ASSERT_EQ(last_refusal.vma->vm_start, TEST_ADDR(0));

		/* VMAs beside it can be unmapped. */
		ASSERT_EQ(munmap_pages(&mm, 2, 4), 0);
		ASSERT_EQ(munmap_pages(&mm, 8, 12), 0);
		ASSERT_LAYOUT_SEALS(&mm, "|..|  |####|    |..|", seals);
	} else {
		ASSERT_EQ(munmap_pages(&mm, 5, 7), 0);
		ASSERT_LAYOUT_SEALS(&mm, "|....|#|  |#|  |....|", seals);
		ASSERT_EQ(munmap_pages(&mm, 2, 12), 0);
		ASSERT_LAYOUT(&mm, "|..|          |..|");
	}

	unmap_layout(&mm);
	return true;
}

/* munmap(): all or nothing, and not even a split is left. */
static bool test_attr_munmap(void)
{
	return with_all_seals(munmap_sealed);
}

/* As before, ENOMEM for a hole that makes one VMA too many comes first. */
static bool test_attr_munmap_max_map_count(void)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwww"));
	ASSERT_EQ(seal_pages(&mm, 0, 4, VM_SEALED), 0);
	sysctl_max_map_count = 1;
	ASSERT_REFUSED(&mm, munmap_pages(&mm, 1, 3), -ENOMEM);
	ASSERT_REFUSED(&mm, munmap_pages(&mm, 1, 4), -EPERM);

	unmap_layout(&mm);
	return true;
}

static bool mmap_over_sealed(vm_flags_t seals)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "rrrrwwww  rrrr"));
	ASSERT_EQ(seal_pages(&mm, 4, 8, seals), 0);

	if (seals & VM_SEAL_MAP) {
		ASSERT_REFUSED(&mm, mmap_pages(4, 8, true), -EPERM);
		ASSERT_REFUSED(&mm, mmap_pages(5, 7, true), -EPERM);
		ASSERT_REFUSED(&mm, mmap_pages(2, 5, true), -EPERM);
		ASSERT_REFUSED(&mm, mmap_pages(7, 12, true), -EPERM);
		ASSERT_REFUSED(&mm, mmap_pages(0, 14, true), -EPERM);
		ASSERT_LAYOUT_SEALS(&mm, "|....|####|  |....|", seals);
	} else {
		/* The new mapping has no seal. */
		ASSERT_EQ(mmap_pages(2, 6, true), TEST_ADDR(2));
		ASSERT_LAYOUT_SEALS(&mm, "|..|....|##|  |....|", seals);
	}

	unmap_layout(&mm);
	return true;
}

/* mmap(MAP_FIXED) over a sealed mapping. */
static bool test_attr_mmap_over(void)
{
	return with_all_seals(mmap_over_sealed);
}

static bool mmap_beside_sealed(vm_flags_t seals)
{
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "  wwww  "));
	ASSERT_EQ(seal_pages(&mm, 2, 6, seals), 0);
	ASSERT_EQ(mmap_pages(0, 2, true), TEST_ADDR(0));
	ASSERT_EQ(mmap_pages(6, 8, true), TEST_ADDR(6));
	ASSERT_LAYOUT_SEALS(&mm, "|..|####|..|", seals);
	unmap_layout(&mm);

	/* Into the hole between two sealed VMAs. */
	ASSERT_TRUE(map_layout(&mm, "ww  ww"));
	ASSERT_EQ(seal_pages(&mm, 0, 2, seals), 0);
	ASSERT_EQ(seal_pages(&mm, 4, 6, seals), 0);
	ASSERT_EQ(mmap_pages(2, 4, true), TEST_ADDR(2));
	ASSERT_LAYOUT_SEALS(&mm, "|##|..|##|", seals);
	unmap_layout(&mm);

	return true;
}

/* Seals do not spread to new neighbours. */
static bool test_attr_mmap_beside(void)
{
	return with_all_seals(mmap_beside_sealed);
}

static bool modify_sealed(vm_flags_t seals)
{
	struct vm_area_struct *vma, *prev;
	vma_flags_t flags;
	struct mm_struct mm;

	ASSERT_TRUE(map_layout(&mm, "wwwwww"));
	ASSERT_EQ(seal_pages(&mm, 0, 6, seals), 0);

	/* Another flag on the middle: three pieces, all with the seals. */
	VMA_ITERATOR(vmi, &mm, TEST_ADDR(2));
	vma = vma_lookup(&mm, TEST_ADDR(2));
	flags = vma->flags;
	vma_flags_set(&flags, VMA_DONTDUMP_BIT);
	vma = vma_modify_flags(&vmi, vma, vma, TEST_ADDR(2), TEST_ADDR(4), &flags);
	ASSERT_FALSE(IS_ERR(vma));
	vma->flags = flags;
	ASSERT_LAYOUT_SEALS(&mm, "|##|##|##|", seals);

	/* Clear the flag again. */
	vma_flags_clear(&flags, VMA_DONTDUMP_BIT);
	vma_iter_set(&vmi, TEST_ADDR(2));
	prev = vma_lookup(&mm, TEST_ADDR(0));
	vma = vma_modify_flags(&vmi, prev, vma, TEST_ADDR(2), TEST_ADDR(4), &flags);
	ASSERT_FALSE(IS_ERR(vma));
	ASSERT_LAYOUT_SEALS(&mm, "|######|", seals);

	unmap_layout(&mm);
	return true;
}

/* The seals survive a split and a merge for another flag. */
static bool test_attr_modify(void)
{
	return with_all_seals(modify_sealed);
}

static void run_attr_tests(int *num_tests, int *num_fail)
{
	TEST(attr_seals);
	TEST(attr_rules);
	TEST(attr_permits);
	TEST(attr_seal_one);
	TEST(attr_seal_several);
	TEST(attr_seal_gaps);
	TEST(attr_seal_again);
	TEST(attr_seal_accumulate);
	TEST(attr_seal_merge);
	TEST(attr_seal_exhaustive);
	TEST(attr_seal_max_map_count);
	TEST(attr_seal_close);
	TEST(attr_seal_nomem);
	TEST(attr_seal_apart);
	TEST(attr_seal_nomem_whole);
	TEST(attr_seal_may_split);
	TEST(attr_seal_droppable);
	TEST(attr_seal_lsm_refuses);
	TEST(attr_seal_write_locks);
	TEST(attr_mm_sealed);
	TEST(attr_bounds);
	TEST(attr_range_permits);
	TEST(attr_other_mm);
	TEST(attr_keeps_cows);
	TEST(attr_munmap);
	TEST(attr_munmap_max_map_count);
	TEST(attr_mmap_over);
	TEST(attr_mmap_beside);
	TEST(attr_modify);
}
