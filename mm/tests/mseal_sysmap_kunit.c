// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for sealed system mappings: the rules of the sysctl
 * kernel.mseal_system_mappings, how an exec applies it, and what is then sealed in
 * a real mm. The expectations restate what Documentation/userspace-api/mseal.rst
 * promises.
 *
 * tools/testing/selftests covers exec itself, the mark in the executable and the
 * real vDSO.
 */

#include <kunit/mm_syscall.h>
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cred.h>
#include <linux/elf.h>
#include <linux/fs_struct.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mseal_sysmap.h>
#include <linux/mutex.h>
#include <linux/personality.h>
#include <linux/sched/mm.h>
#include <linux/sysctl.h>
#include <linux/user_namespace.h>
#include <linux/vma_attr.h>

#define LOCKED	MSEAL_SYSMAP_LOCKED

/* A copy with the same rules: the real sysctl cannot be lowered once it is locked. */
static int fake_level;

static const struct ctl_table fake_table = {
	.procname	= "mseal_system_mappings",
	.data		= &fake_level,
	.maxlen		= sizeof(fake_level),
	.mode		= 0644,
	.proc_handler	= mseal_sysmap_dointvec,
};

static int real_level;

static int sysmap_init(struct kunit *test)
{
	real_level = mseal_sysmap_level;
	return 0;
}

static void sysmap_exit(struct kunit *test)
{
	WRITE_ONCE(mseal_sysmap_level, real_level);
}

static int sysctl_write(const char *text)
{
	char buffer[32];
	size_t len = strscpy(buffer, text);
	loff_t pos = 0;

	return mseal_sysmap_dointvec(&fake_table, 1, buffer, &len, &pos);
}

static int sysctl_read(char *text, size_t size)
{
	size_t len = size - 1;
	loff_t pos = 0;
	int ret;

	ret = mseal_sysmap_dointvec(&fake_table, 0, text, &len, &pos);
	text[ret ? 0 : len] = '\0';
	return ret;
}

/* Write @text at level @from: it returns @ret, and the level is @to then. */
static void expect_write(struct kunit *test, int from, const char *text, int ret,
			 int to)
{
	fake_level = from;
	KUNIT_EXPECT_EQ_MSG(test, ret, sysctl_write(text),
			    "'%s' written at level %d", text, from);
	KUNIT_EXPECT_EQ_MSG(test, to, fake_level,
			    "'%s' written at level %d", text, from);
}

/* A read returns the level. */
static void expect_read(struct kunit *test, int level, const char *want)
{
	char text[32];

	fake_level = level;
	KUNIT_EXPECT_EQ(test, 0, sysctl_read(text, sizeof(text)));
	KUNIT_EXPECT_STREQ(test, want, text);
	KUNIT_EXPECT_EQ(test, level, fake_level);
}

static void sysmap_levels(struct kunit *test)
{
	int from;

	for (from = MSEAL_SYSMAP_OFF; from < LOCKED; from++) {
		expect_write(test, from, "0", 0, 0);
		expect_write(test, from, "1\n", 0, 1);
		expect_write(test, from, "2\n", 0, 2);
	}

	expect_read(test, 0, "0\n");
	expect_read(test, 1, "1\n");
	expect_read(test, 2, "2\n");
}

static const char *const out_of_range[] = {
	"-1", "3", "4", "-2147483648", "2147483647", "4294967296", "4294967297",
	"x", "1x", "0x",
};

static void sysmap_out_of_range(struct kunit *test)
{
	int from, i;

	for (from = MSEAL_SYSMAP_OFF; from <= LOCKED; from++) {
		for (i = 0; i < ARRAY_SIZE(out_of_range); i++)
			expect_write(test, from, out_of_range[i], -EINVAL, from);
		/* An empty write sets no value and is no error, as for any sysctl. */
		expect_write(test, from, "", 0, from);
	}
}

static void sysmap_locked(struct kunit *test)
{
	expect_write(test, LOCKED, "0", -EINVAL, LOCKED);
	expect_write(test, LOCKED, "1", -EINVAL, LOCKED);
	expect_write(test, LOCKED, "2", 0, LOCKED);
	/* It is still locked. */
	expect_write(test, LOCKED, "1", -EINVAL, LOCKED);
}

static void sysmap_boot(struct kunit *test)
{
	const int boot = CONFIG_MSEAL_SYSTEM_MAPPINGS_DEFAULT;

	KUNIT_EXPECT_GE(test, boot, MSEAL_SYSMAP_OFF);
	KUNIT_EXPECT_LE(test, boot, LOCKED);
	KUNIT_EXPECT_EQ(test, 0, MSEAL_SYSMAP_OFF);
	KUNIT_EXPECT_EQ(test, 1, MSEAL_SYSMAP_ON);
	KUNIT_EXPECT_EQ(test, 2, LOCKED);
}

/* A copy of the credentials of the test, for it to change. */
static struct cred *new_cred(struct kunit *test)
{
	struct cred *cred = prepare_creds();

	KUNIT_ASSERT_NOT_NULL(test, cred);
	return cred;
}

/* With @cred each write fails with -EPERM, valid or not; reads work. */
static void expect_no_writer(struct kunit *test, const struct cred *cred)
{
	const struct cred *old = override_creds(cred);
	int from;

	for (from = MSEAL_SYSMAP_OFF; from <= LOCKED; from++) {
		expect_write(test, from, "0", -EPERM, from);
		expect_write(test, from, "1", -EPERM, from);
		expect_write(test, from, "2", -EPERM, from);
		expect_write(test, from, "3", -EPERM, from);
		expect_write(test, from, "x", -EPERM, from);
	}
	expect_read(test, 0, "0\n");
	expect_read(test, 1, "1\n");
	expect_read(test, 2, "2\n");

	revert_creds(old);
}

static void sysmap_needs_capability(struct kunit *test)
{
	struct cred *cred = new_cred(test);
	const struct cred *old;

	/* Root with all other capabilities. */
	KUNIT_EXPECT_TRUE(test, uid_eq(cred->euid, GLOBAL_ROOT_UID));
	cap_lower(cred->cap_effective, CAP_SYS_ADMIN);
	expect_no_writer(test, cred);
	put_cred(cred);

	/* Another user with only this capability. */
	cred = new_cred(test);
	cred->euid = KUIDT_INIT(1000);
	cap_clear(cred->cap_effective);
	cap_raise(cred->cap_effective, CAP_SYS_ADMIN);
	old = override_creds(cred);
	expect_write(test, MSEAL_SYSMAP_OFF, "1", 0, MSEAL_SYSMAP_ON);
	revert_creds(old);
	put_cred(cred);
}

static void sysmap_needs_init_user_ns(struct kunit *test)
{
	struct cred *cred;
	int ret;

	if (!IS_ENABLED(CONFIG_USER_NS))
		kunit_skip(test, "there are no user namespaces without CONFIG_USER_NS");

	/* All capabilities in a namespace, as the global uid 0. */
	cred = new_cred(test);
	ret = -ENOENT;
	/* A kernel thread counts as chrooted: its root is empty. */
	scoped_with_init_fs()
		ret = create_user_ns(cred);
	if (ret)
		put_cred(cred);
	KUNIT_ASSERT_EQ(test, 0, ret);
	KUNIT_EXPECT_PTR_NE(test, cred->user_ns, &init_user_ns);
	KUNIT_EXPECT_TRUE(test, cap_raised(cred->cap_effective, CAP_SYS_ADMIN));
	KUNIT_EXPECT_TRUE(test, uid_eq(cred->euid, GLOBAL_ROOT_UID));
	expect_no_writer(test, cred);
	put_cred(cred);
}

struct writer {
	bool started;
	int ret;
	struct completion done;
};

static int write_one(void *data)
{
	struct writer *writer = data;

	WRITE_ONCE(writer->started, true);
	writer->ret = sysctl_write("1");
	complete(&writer->done);
	return 0;
}

/*
 * Lowering the level must not happen between the check and the store of a write
 * that sets it to 2. So the mutex, which is held here, must keep the writer from
 * its check.
 */
static void sysmap_lock_race(struct kunit *test)
{
	struct writer writer = {};
	struct task_struct *task;

	init_completion(&writer.done);
	fake_level = MSEAL_SYSMAP_ON;

	mutex_lock(&mseal_sysmap_mutex);
	task = kthread_run(write_one, &writer, "sysmap-writer");
	if (IS_ERR(task)) {
		mutex_unlock(&mseal_sysmap_mutex);
		KUNIT_FAIL(test, "no thread: %pe", task);
		return;
	}
	/* Wait until it sleeps, or has written although it must not. */
	while (!completion_done(&writer.done) &&
	       (!READ_ONCE(writer.started) ||
		READ_ONCE(task->__state) != TASK_UNINTERRUPTIBLE))
		schedule_timeout_uninterruptible(1);
	fake_level = LOCKED;
	mutex_unlock(&mseal_sysmap_mutex);

	wait_for_completion(&writer.done);
	KUNIT_EXPECT_EQ(test, -EINVAL, writer.ret);
	KUNIT_EXPECT_EQ(test, LOCKED, fake_level);
}

/* Which processes get sealed system mappings? */
static void sysmap_wanted(struct kunit *test)
{
	unsigned int bit;

	KUNIT_EXPECT_FALSE(test, mseal_sysmap_wanted(0, false, PER_LINUX));
	KUNIT_EXPECT_FALSE(test, mseal_sysmap_wanted(0, true, PER_LINUX));
	KUNIT_EXPECT_FALSE(test, mseal_sysmap_wanted(0, false, ADDR_SYSMAP_NOSEAL));

	KUNIT_EXPECT_TRUE(test, mseal_sysmap_wanted(1, false, PER_LINUX));
	KUNIT_EXPECT_FALSE(test, mseal_sysmap_wanted(1, true, PER_LINUX));
	KUNIT_EXPECT_FALSE(test, mseal_sysmap_wanted(1, false, ADDR_SYSMAP_NOSEAL));
	KUNIT_EXPECT_FALSE(test, mseal_sysmap_wanted(1, true, ADDR_SYSMAP_NOSEAL));

	KUNIT_EXPECT_TRUE(test, mseal_sysmap_wanted(2, false, PER_LINUX));
	KUNIT_EXPECT_TRUE(test, mseal_sysmap_wanted(2, true, PER_LINUX));
	KUNIT_EXPECT_TRUE(test, mseal_sysmap_wanted(2, true, ADDR_SYSMAP_NOSEAL));

	/* Only this bit of the personality counts. */
	for (bit = 0; bit < 32; bit++) {
		const bool noseal = bit == 28;

		KUNIT_EXPECT_EQ(test, !noseal, mseal_sysmap_wanted(1, false, 1U << bit));
	}
	KUNIT_EXPECT_TRUE(test, mseal_sysmap_wanted(1, false, ~ADDR_SYSMAP_NOSEAL));
	KUNIT_EXPECT_FALSE(test, mseal_sysmap_wanted(1, false, ~0U));
}

/* Values that are compiled into user space. */
static void sysmap_constants(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0x10000000, ADDR_SYSMAP_NOSEAL);
	KUNIT_EXPECT_EQ(test, 0x00800000, PF_SYSMAP_NOSEAL);

	/* An exec that gains privileges drops it: a caller cannot impose it. */
	KUNIT_EXPECT_TRUE(test, PER_CLEAR_ON_SETID & ADDR_SYSMAP_NOSEAL);
	/* It also drops what it dropped before. */
	KUNIT_EXPECT_EQ(test, READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE |
			ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO,
			PER_CLEAR_ON_SETID & ~ADDR_SYSMAP_NOSEAL);
}

/* An exec reads the sysctl once; later changes do not matter. */
static void sysmap_latched(struct kunit *test)
{
	static const bool marks[] = { false, true };
	struct mm_struct *mm;
	int level, later, i, j;

	KUNIT_ASSERT_EQ(test, 0, kunit_attach_mm());
	mm = current->mm;
	KUNIT_EXPECT_FALSE(test, mm->seal_sysmap);

	for (level = MSEAL_SYSMAP_OFF; level <= LOCKED; level++) {
		for (i = 0; i < ARRAY_SIZE(marks); i++) {
			for (j = 0; j < ARRAY_SIZE(marks); j++) {
				bool sealed = level == LOCKED ||
					      (level == MSEAL_SYSMAP_ON &&
					       !marks[i] && !marks[j]);

				WRITE_ONCE(mseal_sysmap_level, level);
				current->personality = marks[j] ?
					ADDR_SYSMAP_NOSEAL : PER_LINUX;
				mm->seal_sysmap = !sealed;
				mseal_sysmap_exec(mm, marks[i]);

				KUNIT_EXPECT_EQ_MSG(test, mm->seal_sysmap, sealed,
						    "level %d, mark %d, personality %d",
						    level, marks[i], marks[j]);
				for (later = MSEAL_SYSMAP_OFF; later <= LOCKED; later++) {
					WRITE_ONCE(mseal_sysmap_level, later);
					current->personality ^= ADDR_SYSMAP_NOSEAL;
					KUNIT_EXPECT_EQ(test, mm->seal_sysmap, sealed);
				}
			}
		}
	}
	mm->seal_sysmap = false;
}

/*
 * A system mapping for the tests: two pages, with nothing mapped on either side.
 * None of its pages is ever touched.
 */
#define SYSMAP_LEN	(2 * PAGE_SIZE)

static struct page *no_pages[] = { NULL };

static const struct vm_special_mapping sysmap_spec = {
	.name	= "[kunit]",
	.pages	= no_pages,
};

/* How far the section that makes the system mapping gets. */
enum made { MADE, FINISHED };

/* Make the mapping, and finish it if @made says so; @sealed is the mm's choice. */
static unsigned long install(struct kunit *test, bool sealed, enum made made)
{
	struct mm_struct *mm;
	struct vm_area_struct *vma = NULL;
	unsigned long addr;

	KUNIT_ASSERT_EQ(test, 0, kunit_attach_mm());
	mm = current->mm;
	mm->seal_sysmap = sealed;

	mmap_write_lock(mm);
	addr = get_unmapped_area(NULL, 0, 4 * SYSMAP_LEN, 0, 0);
	if (!IS_ERR_VALUE(addr)) {
		addr += SYSMAP_LEN;
		vma = _install_special_mapping(mm, addr, SYSMAP_LEN,
					       VM_READ | VM_MAYREAD, &sysmap_spec);
		if (!IS_ERR(vma) && made == FINISHED)
			mseal_sysmap_seal(mm, addr, addr + SYSMAP_LEN);
	}
	mmap_write_unlock(mm);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(addr));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vma);
	return addr;
}

/* The seals of the mapping that begins there, or -1 if there is none. */
static long seals_at(unsigned long addr)
{
	struct vm_area_struct *vma;
	long seals = -1;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, addr);
	if (vma && vma->vm_start == addr && vma->vm_end == addr + SYSMAP_LEN)
		seals = vma->vm_flags & VM_SEAL_ANY;
	mmap_read_unlock(current->mm);
	return seals;
}

static int kernel_munmap(unsigned long addr, size_t len, struct list_head *uf)
{
	int ret;

	mmap_write_lock(current->mm);
	ret = do_munmap(current->mm, addr, len, uf);
	mmap_write_unlock(current->mm);
	return ret;
}

static long map_anon(unsigned long addr, unsigned long len, unsigned long flags)
{
	return vm_mmap(NULL, addr, len, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | flags, 0);
}

static void sysmap_unsealed_mapping(struct kunit *test)
{
	const unsigned long addr = install(test, false, FINISHED);
	const unsigned long to = addr + SYSMAP_LEN;

	KUNIT_EXPECT_EQ(test, 0, seals_at(addr));
	KUNIT_EXPECT_FALSE(test, vma_attr_mm_sealed(current->mm));

	/* CRIU moves and unmaps it. */
	KUNIT_EXPECT_EQ(test, to,
			kunit_mm_syscall(mremap, addr, SYSMAP_LEN, SYSMAP_LEN,
					 MREMAP_MAYMOVE | MREMAP_FIXED, to));
	KUNIT_EXPECT_EQ(test, -1, seals_at(addr));
	KUNIT_EXPECT_EQ(test, 0, seals_at(to));
	KUNIT_EXPECT_EQ(test, 0, kunit_mm_syscall(munmap, to, SYSMAP_LEN));
	KUNIT_EXPECT_EQ(test, -1, seals_at(to));
}

/* An operation on a sealed mapping returned @ret: it was refused. */
static void expect_refused(struct kunit *test, unsigned long addr, const char *what,
			   long ret)
{
	KUNIT_EXPECT_EQ_MSG(test, -EPERM, ret, "%s", what);
	KUNIT_EXPECT_EQ_MSG(test, VM_SEALED, seals_at(addr), "after %s", what);
}

static void sysmap_sealed_mapping(struct kunit *test)
{
	const unsigned long addr = install(test, true, FINISHED);
	const unsigned long to = addr + SYSMAP_LEN, other = to + SYSMAP_LEN;
	LIST_HEAD(uf);

	KUNIT_ASSERT_EQ(test, VM_SEALED, seals_at(addr));
	KUNIT_EXPECT_EQ(test, addr, current->mm->seal_start);
	KUNIT_EXPECT_EQ(test, addr + SYSMAP_LEN, current->mm->seal_end);

	expect_refused(test, addr, "munmap",
		       kunit_mm_syscall(munmap, addr, SYSMAP_LEN));
	expect_refused(test, addr, "munmap of a part",
		       kunit_mm_syscall(munmap, addr, PAGE_SIZE));
	expect_refused(test, addr, "mremap that shrinks",
		       kunit_mm_syscall(mremap, addr, SYSMAP_LEN, PAGE_SIZE, 0, 0));
	expect_refused(test, addr, "mremap that moves",
		       kunit_mm_syscall(mremap, addr, SYSMAP_LEN, SYSMAP_LEN,
					MREMAP_MAYMOVE | MREMAP_FIXED, to));
	expect_refused(test, addr, "mremap that leaves it empty",
		       kunit_mm_syscall(mremap, addr, SYSMAP_LEN, SYSMAP_LEN,
					MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0));
	KUNIT_EXPECT_EQ(test, -1, seals_at(to));

	/* Replace exactly this mapping, and more than it. */
	KUNIT_EXPECT_EQ(test, other, map_anon(other, SYSMAP_LEN, MAP_FIXED_NOREPLACE));
	expect_refused(test, addr, "mremap onto it",
		       kunit_mm_syscall(mremap, other, SYSMAP_LEN, SYSMAP_LEN,
					MREMAP_MAYMOVE | MREMAP_FIXED, addr));
	KUNIT_EXPECT_EQ(test, 0, seals_at(other));
	expect_refused(test, addr, "mmap over it",
		       map_anon(addr, SYSMAP_LEN, MAP_FIXED));
	expect_refused(test, addr, "mmap over more than it",
		       map_anon(addr - PAGE_SIZE, 2 * SYSMAP_LEN, MAP_FIXED));

	expect_refused(test, addr, "mprotect",
		       kunit_mm_syscall(mprotect, addr, SYSMAP_LEN, PROT_NONE));
	expect_refused(test, addr, "MADV_DONTFORK",
		       kunit_mm_syscall(madvise, addr, SYSMAP_LEN, MADV_DONTFORK));
	/* The seal permits this, but a special mapping does not have it. */
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kunit_mm_syscall(madvise, addr, SYSMAP_LEN, MADV_DOFORK));

	/* An unmap by the kernel on behalf of the user. */
	expect_refused(test, addr, "do_munmap", kernel_munmap(addr, SYSMAP_LEN, &uf));
}

/* Nothing is sealed until it is finished: a failing section can unmap it. */
static void sysmap_unfinished(struct kunit *test)
{
	const unsigned long addr = install(test, true, MADE);

	KUNIT_EXPECT_EQ(test, 0, seals_at(addr));
	KUNIT_EXPECT_FALSE(test, vma_attr_mm_sealed(current->mm));
	KUNIT_EXPECT_EQ(test, 0, kernel_munmap(addr, SYSMAP_LEN, NULL));
	KUNIT_EXPECT_EQ(test, -1, seals_at(addr));
}

/* The kernel cannot unmap what is sealed, with or without a list for userfaultfd. */
static void sysmap_no_undo(struct kunit *test)
{
	const unsigned long addr = install(test, true, FINISHED);

	expect_refused(test, addr, "all of it",
		       kernel_munmap(addr, SYSMAP_LEN, NULL));
	expect_refused(test, addr, "its first page",
		       kernel_munmap(addr, PAGE_SIZE, NULL));
	expect_refused(test, addr, "more than it",
		       kernel_munmap(addr - PAGE_SIZE, 2 * SYSMAP_LEN, NULL));
}

/* Only the finished range is sealed, nothing beside it. */
static void sysmap_finished_range(struct kunit *test)
{
	const unsigned long addr = install(test, true, MADE), next = addr + SYSMAP_LEN;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	mmap_write_lock(mm);
	vma = _install_special_mapping(mm, next, SYSMAP_LEN, VM_READ | VM_MAYREAD,
				       &sysmap_spec);
	if (!IS_ERR(vma))
		mseal_sysmap_seal(mm, next, next + SYSMAP_LEN);
	mmap_write_unlock(mm);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vma));
	KUNIT_EXPECT_EQ(test, 0, seals_at(addr));
	KUNIT_EXPECT_EQ(test, VM_SEALED, seals_at(next));

	/* Several at once. */
	mmap_write_lock(mm);
	mseal_sysmap_seal(mm, addr, next + SYSMAP_LEN);
	mmap_write_unlock(mm);
	KUNIT_EXPECT_EQ(test, VM_SEALED, seals_at(addr));
	KUNIT_EXPECT_EQ(test, VM_SEALED, seals_at(next));
	KUNIT_EXPECT_EQ(test, addr, mm->seal_start);
	KUNIT_EXPECT_EQ(test, next + SYSMAP_LEN, mm->seal_end);
}

static struct kunit_case sysmap_cases[] = {
	KUNIT_CASE(sysmap_boot),
	KUNIT_CASE(sysmap_levels),
	KUNIT_CASE(sysmap_out_of_range),
	KUNIT_CASE(sysmap_locked),
	KUNIT_CASE(sysmap_needs_capability),
	KUNIT_CASE(sysmap_needs_init_user_ns),
	KUNIT_CASE(sysmap_lock_race),
	KUNIT_CASE(sysmap_wanted),
	KUNIT_CASE(sysmap_constants),
	KUNIT_CASE(sysmap_latched),
	KUNIT_CASE(sysmap_unsealed_mapping),
	KUNIT_CASE(sysmap_sealed_mapping),
	KUNIT_CASE(sysmap_unfinished),
	KUNIT_CASE(sysmap_no_undo),
	KUNIT_CASE(sysmap_finished_range),
	{}
};

static struct kunit_suite sysmap_suite = {
	.name = "mseal_sysmap",
	.init = sysmap_init,
	.exit = sysmap_exit,
	.test_cases = sysmap_cases,
};

kunit_test_suite(sysmap_suite);

MODULE_DESCRIPTION("KUnit tests for sealed system mappings");
MODULE_LICENSE("GPL");
