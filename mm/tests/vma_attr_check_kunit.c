// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the check of the VMA attribute lock: does it see a question that is
 * not asked?
 *
 * Each operation is done with its question and without. With it the check is silent,
 * without it there is one warning, of the right kind. The warnings of the thread are
 * counted instead of printed, see mm/vma_attr_check_test.h.
 */

#include <kunit/mm_layout.h>
#include <kunit/mm_syscall.h>
#include <kunit/test.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/forced_write.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd.h>
#include <linux/vma_attr.h>
#include <linux/vma_attr_check.h>

#include <asm/tlb.h>

#include <trace/events/mseal.h>

#include "../internal.h"
#include "../vma_attr_check_test.h"
#include "../vma_attr_discard.h"

#define AREA_PAGES	16
#define FILE_PAGES	16

/**
 * struct checked - What each test has
 * @area: an area of the mm of the thread, with a file
 * @check: counts the warnings
 * @uffd: a userfaultfd, or below 0
 * @refusal: the last trace event mseal_refused of the thread
 * @refusals: how many there were since expect_refusals()
 */
struct checked {
	struct kunit_mm_area area;
	struct vma_attr_check_test check;
	int uffd;
	struct vma_attr_refusal refusal;
	unsigned int refusals;
};

static unsigned long page_addr(struct kunit *test, int page)
{
	struct checked *checked = test->priv;

	return kunit_mm_page_addr(&checked->area, page);
}

static struct vm_area_struct *page_vma(struct kunit *test, int page)
{
	struct vm_area_struct *vma = vma_lookup(current->mm, page_addr(test, page));

	KUNIT_ASSERT_NOT_NULL(test, vma);
	return vma;
}

/* Map pages [first, end), anonymous and private, and store to each of them. */
static void map_anon(struct kunit *test, int first, int end, unsigned long prot)
{
	const unsigned long addr = page_addr(test, first);
	int page;

	KUNIT_ASSERT_EQ(test, addr,
			vm_mmap(NULL, addr, (end - first) * PAGE_SIZE,
				PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0));
	for (page = first; page < end; page++)
		KUNIT_ASSERT_EQ(test, 0, put_user(1, (char __user *)page_addr(test, page)));
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_syscall(mprotect, addr, (end - first) * PAGE_SIZE,
						  prot));
}

static long seal_pages(struct kunit *test, int first, int end, unsigned long flags)
{
	return kunit_mm_syscall(mseal, page_addr(test, first),
				(end - first) * PAGE_SIZE, flags);
}

/* Expect these warnings since the last call, and no others. */
static void expect_reports(struct kunit *test, const char *when, u32 changes)
{
	struct checked *checked = test->priv;
	unsigned int change;

	for (change = 0; change < NR_VMA_ATTR_CHANGES; change++) {
		KUNIT_EXPECT_EQ_MSG(test, !!(changes & BIT(change)),
				    checked->check.reports[change],
				    "change %u, %s", change, when);
		checked->check.reports[change] = 0;
	}
}

/* The probe of the trace event. */
static void count_refusal(void *data, const struct vma_attr_refusal *refusal)
{
	struct checked *checked = data;

	if (checked->check.task != current)
		return;
	checked->refusal = *refusal;
	checked->refusals++;
}

/* Expect this many trace events since the last call. */
static void expect_refusals(struct kunit *test, unsigned int refusals)
{
	struct checked *checked = test->priv;

	if (IS_ENABLED(CONFIG_TRACEPOINTS))
		KUNIT_EXPECT_EQ(test, refusals, checked->refusals);
	checked->refusals = 0;
}

/*
 * Operations
 *
 * All of them act on page 1, which is mapped with its neighbours.
 */

static long do_unmap(struct kunit *test)
{
	return kunit_mm_syscall(munmap, page_addr(test, 1), PAGE_SIZE);
}

static long do_map_over(struct kunit *test)
{
	const unsigned long addr = page_addr(test, 1);
	const unsigned long ret = vm_mmap(NULL, addr, PAGE_SIZE, PROT_READ,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);

	return ret == addr ? 0 : ret;
}

static long remap(struct kunit *test, unsigned long flags)
{
	const unsigned long to = page_addr(test, 9);
	const long ret = kunit_mm_syscall(mremap, page_addr(test, 1), PAGE_SIZE, PAGE_SIZE,
					  MREMAP_MAYMOVE | MREMAP_FIXED | flags, to);

	return ret == to ? 0 : ret;
}

static long do_move(struct kunit *test)
{
	return remap(test, 0);
}

static long do_move_pages(struct kunit *test)
{
	return remap(test, MREMAP_DONTUNMAP);
}

static long do_protect(struct kunit *test)
{
	return kunit_mm_syscall(mprotect, page_addr(test, 1), PAGE_SIZE, PROT_NONE);
}

#define DEFINE_DO_MADVISE(name, advice)						\
static long do_##name(struct kunit *test)					\
{										\
	return kunit_mm_syscall(madvise, page_addr(test, 1), PAGE_SIZE, advice);	\
}

DEFINE_DO_MADVISE(dontneed, MADV_DONTNEED)
DEFINE_DO_MADVISE(free, MADV_FREE)
DEFINE_DO_MADVISE(guard, MADV_GUARD_INSTALL)
DEFINE_DO_MADVISE(unguard, MADV_GUARD_REMOVE)
DEFINE_DO_MADVISE(dontfork, MADV_DONTFORK)
DEFINE_DO_MADVISE(wipeonfork, MADV_WIPEONFORK)

/* The arguments of userfaultfd's ioctls are at the end of the area. */
static long uffd_ioctl(struct kunit *test, unsigned int cmd, const void *arg, size_t size)
{
	struct checked *checked = test->priv;
	const unsigned long addr = page_addr(test, AREA_PAGES - 1);

	if (copy_to_user((void __user *)addr, arg, size))
		return -EFAULT;

	return kunit_mm_syscall(ioctl, checked->uffd, cmd, addr);
}

static long do_register(struct kunit *test)
{
	const struct uffdio_register reg = {
		.range = { page_addr(test, 0), 8 * PAGE_SIZE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	return uffd_ioctl(test, UFFDIO_REGISTER, &reg, sizeof(reg));
}

static long do_copy(struct kunit *test)
{
	const struct uffdio_copy copy = {
		.dst = page_addr(test, 1),
		.src = page_addr(test, AREA_PAGES - 1),
		.len = PAGE_SIZE,
	};

	return uffd_ioctl(test, UFFDIO_COPY, &copy, sizeof(copy));
}

static long do_zeropage(struct kunit *test)
{
	const struct uffdio_zeropage zero = {
		.range = { page_addr(test, 1), PAGE_SIZE },
	};

	return uffd_ioctl(test, UFFDIO_ZEROPAGE, &zero, sizeof(zero));
}

static long do_poison(struct kunit *test)
{
	const struct uffdio_poison poison = {
		.range = { page_addr(test, 1), PAGE_SIZE },
	};

	return uffd_ioctl(test, UFFDIO_POISON, &poison, sizeof(poison));
}

/* From page 10, which holds something and is not registered, to page 1. */
static long do_fill_by_move(struct kunit *test)
{
	const struct uffdio_move move = {
		.dst = page_addr(test, 1),
		.src = page_addr(test, 10),
		.len = PAGE_SIZE,
	};

	return uffd_ioctl(test, UFFDIO_MOVE, &move, sizeof(move));
}

/* As a write through /proc/PID/mem. */
static long do_write(struct kunit *test)
{
	struct page *page;
	long ret;

	mmap_read_lock(current->mm);
	ret = get_user_pages_remote(current->mm, page_addr(test, 1), 1,
				    FOLL_WRITE | FOLL_FORCE |
				    FOLL_ORIGIN(FORCED_WRITE_PROC_MEM), &page, NULL);
	if (ret == 1)
		put_page(page);
	mmap_read_unlock(current->mm);

	return ret == 1 ? 0 : ret;
}

/**
 * struct operation - An operation, and what is seen if its question is not asked
 * @name: for messages
 * @op: do it; page 1 and what is around it are mapped
 * @prepare: done before it, with all questions; may be NULL
 * @hole: pages 0 to 8 hold nothing
 * @prot: what they permit
 * @seal: flags of mseal() for which it is refused; 0 if no seal of ours refuses it
 * @question: the question, a bit per &enum vma_attr_op and VMA_ATTR_ASKED_LSMS
 * @unsealed: a bit per &enum vma_attr_change: the warning with nothing sealed
 * @sealed: the warnings with @seal
 */
struct operation {
	const char *name;
	long (*op)(struct kunit *test);
	long (*prepare)(struct kunit *test);
	bool hole;
	unsigned long prot;
	unsigned long seal;
	u32 question;
	u32 unsealed;
	u32 sealed;
};

static const struct operation operations[] = {
#define C(change)	BIT(VMA_ATTR_CHANGE_##change)
#define RW		(PROT_READ | PROT_WRITE)
	{ "munmap", do_unmap, NULL, false, PROT_READ,
	  MSEAL_MAP, BIT(VMA_ATTR_OP_UNMAP), C(UNMAP), C(UNMAP) | C(SEALED) },
	{ "mmap over it", do_map_over, NULL, false, PROT_READ,
	  MSEAL_MAP, BIT(VMA_ATTR_OP_UNMAP), C(UNMAP), C(UNMAP) | C(SEALED) },
	{ "mremap", do_move, NULL, false, PROT_READ,
	  MSEAL_MAP, BIT(VMA_ATTR_OP_REMAP) | BIT(VMA_ATTR_OP_UNMAP),
	  C(MOVE) | C(UNMAP), C(MOVE) | C(UNMAP) | C(SEALED) },
	{ "mremap, pages only", do_move_pages, NULL, false, PROT_READ,
	  MSEAL_DISCARD, BIT(VMA_ATTR_OP_REMAP_EMPTY), C(MOVE), C(MOVE) },
	{ "mprotect", do_protect, NULL, false, PROT_READ,
	  MSEAL_PROT, BIT(VMA_ATTR_OP_PROTECT), C(PROTECT), C(PROTECT) },
	{ "mprotect, place sealed", do_protect, NULL, false, PROT_READ,
	  MSEAL_MAP | MSEAL_PROT, BIT(VMA_ATTR_OP_PROTECT), C(PROTECT), C(PROTECT) | C(SEALED) },
	{ "MADV_DONTNEED", do_dontneed, NULL, false, PROT_READ,
	  MSEAL_DISCARD, BIT(VMA_ATTR_OP_DISCARD), C(ZAP), C(ZAP) },
	{ "MADV_FREE", do_free, NULL, false, PROT_READ,
	  MSEAL_DISCARD, BIT(VMA_ATTR_OP_DISCARD), C(LAZYFREE), C(LAZYFREE) },
	{ "MADV_GUARD_INSTALL", do_guard, NULL, true, PROT_READ,
	  MSEAL_DISCARD, BIT(VMA_ATTR_OP_GUARD_INSTALL), C(GUARD), C(GUARD) },
	{ "MADV_GUARD_REMOVE", do_unguard, do_guard, true, PROT_READ,
	  MSEAL_PROT, BIT(VMA_ATTR_OP_GUARD_REMOVE), C(UNGUARD), C(UNGUARD) },
	{ "MADV_DONTFORK", do_dontfork, NULL, false, PROT_READ,
	  MSEAL_MAP, BIT(VMA_ATTR_OP_DONTFORK), 0, C(SEALED) },
	{ "MADV_WIPEONFORK", do_wipeonfork, NULL, false, PROT_READ,
	  MSEAL_MAP | MSEAL_DISCARD, BIT(VMA_ATTR_OP_WIPEONFORK), 0, C(SEALED) },
	{ "UFFDIO_REGISTER", do_register, NULL, true, PROT_READ,
	  MSEAL_MAP | MSEAL_DISCARD, BIT(VMA_ATTR_OP_UFFD_REGISTER), 0, C(SEALED) },
	{ "UFFDIO_COPY", do_copy, do_register, true, PROT_READ,
	  MSEAL_DISCARD, BIT(VMA_ATTR_OP_UFFD_FILL), C(FILL), C(FILL) },
	{ "UFFDIO_COPY, the LSMs", do_copy, do_register, true, PROT_READ,
	  0, VMA_ATTR_ASKED_LSMS, C(FILL), C(FILL) },
	{ "UFFDIO_ZEROPAGE", do_zeropage, do_register, true, PROT_READ,
	  MSEAL_DISCARD, BIT(VMA_ATTR_OP_UFFD_FILL), C(FILL), C(FILL) },
	{ "UFFDIO_POISON", do_poison, do_register, true, PROT_READ,
	  MSEAL_DISCARD, BIT(VMA_ATTR_OP_UFFD_FILL), C(FILL), C(FILL) },
	{ "UFFDIO_MOVE, its destination", do_fill_by_move, do_register, true, RW,
	  0, BIT(VMA_ATTR_OP_UFFD_FILL), C(FILL), C(FILL) },
	{ "UFFDIO_MOVE, its source", do_fill_by_move, do_register, true, RW,
	  0, BIT(VMA_ATTR_OP_UFFD_EMPTY), C(EMPTY), C(EMPTY) },
	{ "a forced write, the LSMs", do_write, NULL, false, PROT_READ,
	  0, VMA_ATTR_ASKED_LSMS, C(WRITE), C(WRITE) },
};

static void operation_desc(const struct operation *operation, char *desc)
{
	strscpy(desc, operation->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(operations, operations, operation_desc);

static void prepare(struct kunit *test, const struct operation *operation,
		    unsigned long seal)
{
	/* What the last round left, and what its system calls take. */
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(page_addr(test, 0), AREA_PAGES * PAGE_SIZE));
	map_anon(test, 0, 8, operation->prot);
	map_anon(test, 10, 11, operation->prot);
	map_anon(test, AREA_PAGES - 1, AREA_PAGES, PROT_READ | PROT_WRITE);
	if (operation->hole)
		KUNIT_ASSERT_EQ(test, 0, do_dontneed(test));
	if (operation->prepare)
		KUNIT_ASSERT_EQ(test, 0, operation->prepare(test));
	if (seal)
		KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 0, 8, seal));
	expect_reports(test, "prepared", 0);
}

/* With its question: silence. */
static void asked(struct kunit *test)
{
	const struct operation *operation = test->param_value;

	prepare(test, operation, 0);
	KUNIT_EXPECT_EQ(test, 0, operation->op(test));
	expect_reports(test, "nothing sealed", 0);
	expect_refusals(test, 0);
}

static void asked_and_refused(struct kunit *test)
{
	const struct operation *operation = test->param_value;

	if (!operation->seal)
		kunit_skip(test, "no seal refuses it");
	prepare(test, operation, operation->seal);
	KUNIT_EXPECT_EQ(test, -EPERM, operation->op(test));
	expect_reports(test, "refused", 0);
}

/* A refused call has one trace event, which says what was refused and why. */
static void traced(struct kunit *test)
{
	const struct operation *operation = test->param_value;
	struct checked *checked = test->priv;
	const struct vma_attr_refusal *refusal = &checked->refusal;
	const unsigned long addr = page_addr(test, 1);

	if (!operation->seal)
		kunit_skip(test, "no seal refuses it");
	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "no trace points in this kernel");
	prepare(test, operation, operation->seal);
	expect_refusals(test, 0);
	KUNIT_EXPECT_EQ(test, -EPERM, operation->op(test));
	expect_refusals(test, 1);

	KUNIT_EXPECT_TRUE_MSG(test, operation->question & BIT(refusal->op),
			      "operation %u", refusal->op);
	KUNIT_EXPECT_LE(test, refusal->start, addr);
	KUNIT_EXPECT_GE(test, refusal->end, addr + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, refusal->seals & ~SEAL_DISCARD_WEAK, operation->seal);
	/* One of the seals refuses; the weak discard rule is a part of DISCARD. */
	KUNIT_EXPECT_NE(test, refusal->refused_by & operation->seal, 0);
	KUNIT_EXPECT_EQ(test, refusal->refused_by & ~refusal->seals, 0);
	KUNIT_EXPECT_EQ(test, -1, refusal->nr);
}

/* mprotect() fails with the error of an earlier mapping, so no seal has refused it. */
static void other_error_not_traced(struct kunit *test)
{
	map_anon(test, 0, 1, PROT_READ);
	map_anon(test, 2, 3, PROT_READ);
	KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 2, 3, MSEAL_PROT));
	expect_refusals(test, 0);
	KUNIT_EXPECT_EQ(test, -ENOMEM, kunit_mm_syscall(mprotect, page_addr(test, 0),
							3 * PAGE_SIZE, PROT_NONE));
	expect_refusals(test, 0);
}

/* Without it, with nothing sealed: one warning where a primitive has to be asked. */
static void not_asked(struct kunit *test)
{
	const struct operation *operation = test->param_value;
	struct checked *checked = test->priv;

	prepare(test, operation, 0);
	checked->check.blind = operation->question;
	KUNIT_EXPECT_EQ(test, 0, operation->op(test));
	checked->check.blind = 0;
	expect_reports(test, "nothing sealed", operation->unsealed);
}

/* Without it, though a seal refuses: a warning always. */
static void not_asked_sealed(struct kunit *test)
{
	const struct operation *operation = test->param_value;
	struct checked *checked = test->priv;

	if (!operation->seal)
		kunit_skip(test, "no seal refuses it");
	prepare(test, operation, operation->seal);
	checked->check.blind = operation->question;
	KUNIT_EXPECT_EQ(test, 0, operation->op(test));
	checked->check.blind = 0;
	expect_reports(test, "sealed", operation->sealed);
}

/*
 * The rules themselves
 */

/* A question is void once the lock was dropped. */
static void lock_dropped(struct kunit *test)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	map_anon(test, 0, 2, PROT_READ);
	mmap_read_lock(mm);
	vma = page_vma(test, 0);
	KUNIT_EXPECT_TRUE(test, vma_attr_permits(vma, VMA_ATTR_OP_DISCARD));
	vma_attr_check_zap(vma, vma->vm_start, vma->vm_end, NULL);
	mmap_read_unlock(mm);
	expect_reports(test, "under the lock", 0);

	mmap_read_lock(mm);
	vma_attr_check_zap(vma, vma->vm_start, vma->vm_end, NULL);
	mmap_read_unlock(mm);
	expect_reports(test, "after it was dropped", BIT(VMA_ATTR_CHANGE_ZAP));

	mmap_write_lock(mm);
	KUNIT_EXPECT_TRUE(test, vma_attr_permits(vma, VMA_ATTR_OP_DISCARD));
	mmap_write_downgrade(mm);
	vma_attr_check_zap(vma, vma->vm_start, vma->vm_end, NULL);
	mmap_read_unlock(mm);
	expect_reports(test, "after it was downgraded", BIT(VMA_ATTR_CHANGE_ZAP));
}

/* The question was about another range, or another operation. */
static void other_question(struct kunit *test)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long addr = page_addr(test, 0);

	map_anon(test, 0, 2, PROT_READ);
	map_anon(test, 3, 5, PROT_READ);
	mmap_read_lock(mm);
	vma = page_vma(test, 0);
	KUNIT_EXPECT_TRUE(test, vma_attr_permits(page_vma(test, 3), VMA_ATTR_OP_DISCARD));
	KUNIT_EXPECT_TRUE(test, vma_attr_permits(vma, VMA_ATTR_OP_PROTECT));
	vma_attr_check_zap(vma, addr, addr + PAGE_SIZE, NULL);
	expect_reports(test, "asked about another mapping", BIT(VMA_ATTR_CHANGE_ZAP));

	/* Two that were asked about one by one are one range; a gap is not. */
	KUNIT_EXPECT_TRUE(test, vma_attr_range_permits(mm, addr, addr + PAGE_SIZE,
						       VMA_ATTR_OP_UNMAP));
	KUNIT_EXPECT_TRUE(test, vma_attr_range_permits(mm, addr + PAGE_SIZE,
						       addr + 2 * PAGE_SIZE,
						       VMA_ATTR_OP_UNMAP));
	vma_attr_check_range(mm, addr, addr + 2 * PAGE_SIZE, VMA_ATTR_CHANGE_UNMAP);
	expect_reports(test, "two neighbours", 0);
	vma_attr_check_range(mm, addr, addr + 3 * PAGE_SIZE, VMA_ATTR_CHANGE_UNMAP);
	expect_reports(test, "beyond them", BIT(VMA_ATTR_CHANGE_UNMAP));
	mmap_read_unlock(mm);
}

/* All or nothing: no refusal after a change under the same lock. */
static void refused_after_change(struct kunit *test)
{
	struct mm_struct *mm = current->mm;
	unsigned long addr = page_addr(test, 0);

	map_anon(test, 0, 1, PROT_READ);
	map_anon(test, 2, 3, PROT_READ);
	KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 2, 3, MSEAL_DISCARD));

	mmap_read_lock(mm);
	KUNIT_EXPECT_FALSE(test, vma_attr_permits(page_vma(test, 2), VMA_ATTR_OP_DISCARD));
	expect_reports(test, "nothing changed", 0);
	KUNIT_EXPECT_TRUE(test, vma_attr_permits(page_vma(test, 0), VMA_ATTR_OP_DISCARD));
	vma_attr_check_zap(page_vma(test, 0), addr, addr + PAGE_SIZE, NULL);
	KUNIT_EXPECT_FALSE(test, vma_attr_permits(page_vma(test, 2), VMA_ATTR_OP_DISCARD));
	expect_reports(test, "after a change", BIT(VMA_ATTR_CHANGE_REFUSED));
	/* As process_madvise() does between its elements. */
	vma_attr_check_next();
	KUNIT_EXPECT_FALSE(test, vma_attr_permits(page_vma(test, 2), VMA_ATTR_OP_DISCARD));
	expect_reports(test, "the next operation", 0);
	mmap_read_unlock(mm);
}

/* What is compared each time that the mmap lock was held for writing. */
static void promises(struct kunit *test)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	map_anon(test, 0, 2, PROT_READ);
	KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 0, 2, MSEAL_MAP | MSEAL_PROT));

	mmap_write_lock(mm);
	vma = page_vma(test, 0);
	vma_start_write(vma);
	vm_flags_set(vma, VM_SEQ_READ);
	mmap_write_unlock(mm);
	expect_reports(test, "not sealed", 0);

	mmap_write_lock(mm);
	vma_start_write(vma);
	vm_flags_clear(vma, VM_MAYEXEC);
	mmap_write_unlock(mm);
	expect_reports(test, "what may be permitted", BIT(VMA_ATTR_CHANGE_SEALED));

	mmap_write_lock(mm);
	vma_start_write(vma);
	vm_flags_set(vma, VM_WRITE);
	mmap_write_downgrade(mm);
	mmap_read_unlock(mm);
	expect_reports(test, "the protection", BIT(VMA_ATTR_CHANGE_SEALED));

	mmap_write_lock(mm);
	vma_start_write(vma);
	vm_flags_clear(vma, VM_WRITE | VM_SEALED);
	mmap_write_unlock(mm);
	expect_reports(test, "the seals", BIT(VMA_ATTR_CHANGE_SEALED));
}

/* A child has all that is sealed, unless it was not for children before. */
static void fork_keeps(struct kunit *test)
{
	struct mm_struct *mm = current->mm, *child;

	map_anon(test, 0, 2, PROT_READ);
	map_anon(test, 4, 5, PROT_READ);
	KUNIT_ASSERT_EQ(test, 0, kunit_mm_syscall(madvise, page_addr(test, 4), PAGE_SIZE,
						  MADV_DONTFORK));
	KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 4, 5, MSEAL_MAP));

	child = mm_alloc();
	KUNIT_ASSERT_NOT_NULL(test, child);
	mmap_write_lock(mm);
	mmap_write_lock_nested(child, SINGLE_DEPTH_NESTING);
	vma_attr_check_fork(child, mm);
	mmap_write_unlock(child);
	mmap_write_unlock(mm);
	expect_reports(test, "not for children", 0);

	KUNIT_EXPECT_EQ(test, 0, seal_pages(test, 0, 2, MSEAL_MAP));
	mmap_write_lock(mm);
	mmap_write_lock_nested(child, SINGLE_DEPTH_NESTING);
	vma_attr_check_fork(child, mm);
	mmap_write_unlock(child);
	mmap_write_unlock(mm);
	mmput(child);
	expect_reports(test, "gone", BIT(VMA_ATTR_CHANGE_SEALED));
}

/* mseal() flushes what was unmapped before, if it was not flushed yet. */
static void flush_pending(struct kunit *test)
{
	unsigned long start = page_addr(test, 0), end = page_addr(test, 2);
	struct mm_struct *mm = current->mm;
	struct mmu_gather before, after;

	map_anon(test, 0, 2, PROT_READ);
	mmap_write_lock(mm);
	KUNIT_EXPECT_EQ(test, 0, vma_attr_seal_range(mm, start, end, MSEAL_DISCARD));
	tlb_gather_mmu(&after, mm);
	vma_attr_check_sealed(mm, start, end);
	tlb_finish_mmu(&after);
	mmap_write_unlock(mm);
	expect_reports(test, "a gather after the seal", 0);

	tlb_gather_mmu(&before, mm);
	mmap_write_lock(mm);
	KUNIT_EXPECT_EQ(test, 0, vma_attr_seal_range(mm, start, end, MSEAL_DISCARD));
	vma_attr_check_sealed(mm, start, end);
	expect_reports(test, "a gather before it", BIT(VMA_ATTR_CHANGE_UNFLUSHED));
	vma_attr_flush(mm, start, end);
	vma_attr_check_sealed(mm, start, end);
	expect_reports(test, "flushed", 0);
	mmap_write_unlock(mm);
	tlb_finish_mmu(&before);
}

/* Truncation drops a private copy. */
static void truncation(struct kunit *test)
{
	struct checked *checked = test->priv;
	const unsigned long addr = page_addr(test, 0);
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	struct zap_details details = { };

	KUNIT_ASSERT_EQ(test, addr, vm_mmap(checked->area.file, addr, PAGE_SIZE, PROT_READ,
					    MAP_PRIVATE | MAP_FIXED, 0));
	mmap_read_lock(mm);
	vma = page_vma(test, 0);
	vma_attr_check_truncate(vma, &details);
	vma_attr_check_zap(vma, addr, addr + PAGE_SIZE, &details);
	vma_attr_check_drop(vma, addr, &details, NULL);
	mmap_read_unlock(mm);
	expect_reports(test, "not sealed", 0);

	KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 0, 1, MSEAL_DISCARD));
	mmap_read_lock(mm);
	/* A truncation that began before the seal: mseal() waits for it. */
	vma_attr_check_drop(vma, addr, &details, NULL);
	expect_reports(test, "began before the seal", 0);
	vma_attr_check_truncate(vma, &details);
	vma_attr_check_drop(vma, addr, &details, page_folio(ZERO_PAGE(0)));
	expect_reports(test, "a page of the file", 0);
	vma_attr_check_drop(vma, addr, &details, NULL);
	mmap_read_unlock(mm);
	expect_reports(test, "a private copy", BIT(VMA_ATTR_CHANGE_DROP_COW));
}

/* Pages that a driver inserts and revokes. */
static void drivers(struct kunit *test)
{
	const unsigned long addr = page_addr(test, 0);
	const unsigned long end = addr + PAGE_SIZE;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	struct mm_struct *other;

	other = mm_alloc();
	KUNIT_ASSERT_NOT_NULL(test, other);
	map_anon(test, 0, 1, PROT_READ);
	mmap_write_lock(mm);
	vma = page_vma(test, 0);
	vma_attr_check_insert(vma, addr, end);
	mmap_write_unlock(mm);
	expect_reports(test, "a mapping is made", 0);

	mmap_read_lock(mm);
	vma_attr_check_fault(1);
	vma_attr_check_insert(vma, addr, end);
	vma_attr_check_fault(-1);
	expect_reports(test, "a fault", 0);
	vma_attr_check_insert(vma, addr, end);
	expect_reports(test, "at any other time", BIT(VMA_ATTR_CHANGE_INSERT));
	KUNIT_EXPECT_TRUE(test, vma_attr_permits(vma, VMA_ATTR_OP_ZEROCOPY));
	vma_attr_check_insert(vma, addr, end);
	vma_attr_check_zap(vma, addr, end, NULL);
	expect_reports(test, "zero copy", 0);
	mmap_read_unlock(mm);

	mmap_write_lock(mm);
	vma_start_write(vma);
	vm_flags_set(vma, VM_MIXEDMAP);
	mmap_write_downgrade(mm);
	vma_attr_check_zap(vma, addr, end, NULL);
	expect_reports(test, "revoked", BIT(VMA_ATTR_CHANGE_ZAP));
	/* The same by a driver that serves another process. */
	vma->vm_mm = other;
	vma_attr_check_zap(vma, addr, end, NULL);
	vma_attr_check_insert(vma, addr, end);
	vma->vm_mm = mm;
	expect_reports(test, "of another process", 0);
	mmap_read_unlock(mm);

	mmap_write_lock(mm);
	vma_start_write(vma);
	vm_flags_mod(vma, VM_PFNMAP, VM_MIXEDMAP);
	mmap_write_downgrade(mm);
	vma_attr_check_zap(vma, addr, end, NULL);
	expect_reports(test, "page frames", 0);
	mmap_read_unlock(mm);
	mmap_write_lock(mm);
	vma_start_write(vma);
	vm_flags_clear(vma, VM_PFNMAP);
	mmap_write_unlock(mm);
	mmput(other);
}

/* Pages that are looked up: which of them are forced writes? */
static void lookups(struct kunit *test)
{
	const unsigned long addr = page_addr(test, 0);
	const unsigned int origin = FOLL_ORIGIN(FORCED_WRITE_PROCESS_VM);
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	map_anon(test, 0, 1, PROT_READ | PROT_WRITE);
	mmap_read_lock(mm);
	vma = page_vma(test, 0);
	vma_attr_check_gup(vma, addr, FOLL_WRITE, true);
	vma_attr_check_gup(vma, addr, FOLL_REMOTE | FOLL_FORCE, true);
	vma_attr_check_gup(vma, addr, FOLL_WRITE | FOLL_REMOTE, false);
	vma_attr_check_gup(vma, addr, FOLL_WRITE | FOLL_REMOTE | FOLL_LONGTERM, true);
	vma_attr_check_gup(vma, addr, FOLL_WRITE | FOLL_REMOTE | origin, true);
	expect_reports(test, "not forced", 0);
	vma_attr_check_gup(vma, addr, FOLL_WRITE | FOLL_REMOTE, true);
	expect_reports(test, "no origin", BIT(VMA_ATTR_CHANGE_WRITE));
	vma_attr_check_gup(vma, addr, FOLL_WRITE | FOLL_FORCE, true);
	expect_reports(test, "forced", BIT(VMA_ATTR_CHANGE_WRITE));
	KUNIT_EXPECT_EQ(test, 0, vma_forced_write(vma, addr, addr + PAGE_SIZE,
						  FORCED_WRITE_UPROBE, NULL));
	vma_attr_check_gup(vma, addr, FOLL_WRITE | FOLL_FORCE, true);
	expect_reports(test, "asked", 0);
	mmap_read_unlock(mm);

	KUNIT_ASSERT_EQ(test, 0, kunit_mm_syscall(mprotect, addr, PAGE_SIZE, PROT_READ));
	mmap_read_lock(mm);
	vma_attr_check_gup(page_vma(test, 0), addr, FOLL_WRITE | FOLL_FORCE | origin, true);
	mmap_read_unlock(mm);
	expect_reports(test, "an origin, read-only", BIT(VMA_ATTR_CHANGE_WRITE));
}

/* What is declared exempt; a sealed mapping is not. */
static void exemptions(struct kunit *test)
{
	const unsigned long addr = page_addr(test, 0);
	struct mm_struct *mm = current->mm;
	unsigned int change;

	map_anon(test, 0, 1, PROT_READ);
	mmap_read_lock(mm);
	for (change = 0; change < NR_VMA_ATTR_ASKED_CHANGES; change++) {
		vma_attr_check_change(page_vma(test, 0), addr, addr + PAGE_SIZE, change);
		expect_reports(test, "before", BIT(change));
		vma_attr_check_exempt(mm, addr, addr + PAGE_SIZE, change);
		vma_attr_check_change(page_vma(test, 0), addr, addr + PAGE_SIZE, change);
		expect_reports(test, "after", 0);
		vma_attr_check_released(mm, /* write= */ false);
	}
	mmap_read_unlock(mm);

	KUNIT_ASSERT_EQ(test, 0, seal_pages(test, 0, 1, MSEAL_DISCARD));
	mmap_read_lock(mm);
	vma_attr_check_exempt(mm, addr, addr + PAGE_SIZE, VMA_ATTR_CHANGE_LAZYFREE);
	vma_attr_check_change(page_vma(test, 0), addr, addr + PAGE_SIZE,
			      VMA_ATTR_CHANGE_LAZYFREE);
	mmap_read_unlock(mm);
	expect_reports(test, "sealed", BIT(VMA_ATTR_CHANGE_LAZYFREE));
}

static int check_init(struct kunit *test)
{
	const struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_MOVE |
								     UFFD_FEATURE_POISON };
	struct checked *checked;
	int err;

	if (!vma_attr_check_on())
		kunit_skip(test, "the check is off: debug_vma_attr=0");

	checked = kunit_kzalloc(test, sizeof(*checked), GFP_KERNEL);
	if (!checked)
		return -ENOMEM;
	checked->uffd = -1;
	test->priv = checked;
	err = kunit_mm_area_init(test, &checked->area, AREA_PAGES, FILE_PAGES);
	if (err)
		return err;

	map_anon(test, AREA_PAGES - 1, AREA_PAGES, PROT_READ | PROT_WRITE);
	checked->uffd = kunit_mm_syscall(userfaultfd, 0);
	KUNIT_ASSERT_GE(test, checked->uffd, 0);
	KUNIT_ASSERT_EQ(test, 0, uffd_ioctl(test, UFFDIO_API, &api, sizeof(api)));

	checked->check.task = current;
	if (IS_ENABLED(CONFIG_TRACEPOINTS))
		KUNIT_ASSERT_EQ(test, 0, register_trace_mseal_refused(count_refusal, checked));
	WRITE_ONCE(vma_attr_check_test, &checked->check);
	return 0;
}

static void check_exit(struct kunit *test)
{
	struct checked *checked = test->priv;

	WRITE_ONCE(vma_attr_check_test, NULL);
	if (checked && checked->check.task && IS_ENABLED(CONFIG_TRACEPOINTS)) {
		unregister_trace_mseal_refused(count_refusal, checked);
		tracepoint_synchronize_unregister();
	}
	if (checked && checked->uffd >= 0)
		close_fd(checked->uffd);
}

static struct kunit_case check_cases[] = {
	KUNIT_CASE_PARAM(asked, operations_gen_params),
	KUNIT_CASE_PARAM(asked_and_refused, operations_gen_params),
	KUNIT_CASE_PARAM(traced, operations_gen_params),
	KUNIT_CASE(other_error_not_traced),
	KUNIT_CASE_PARAM(not_asked, operations_gen_params),
	KUNIT_CASE_PARAM(not_asked_sealed, operations_gen_params),
	KUNIT_CASE(lock_dropped),
	KUNIT_CASE(other_question),
	KUNIT_CASE(refused_after_change),
	KUNIT_CASE(promises),
	KUNIT_CASE(fork_keeps),
	KUNIT_CASE(flush_pending),
	KUNIT_CASE(truncation),
	KUNIT_CASE(drivers),
	KUNIT_CASE(lookups),
	KUNIT_CASE(exemptions),
	{}
};

static struct kunit_suite check_suite = {
	.name = "vma_attr_check",
	.init = check_init,
	.exit = check_exit,
	.test_cases = check_cases,
};

kunit_test_suite(check_suite);
