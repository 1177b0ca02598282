// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit test of the VMA attribute lock: random operations, carried out by the
 * kernel and by the reference model in vma_attr_model.h. Both have to agree on what
 * each operation returns and on the state after it.
 *
 * Parameters for the kernel's command line, that is, for kunit.py --kernel_args=:
 *
 *   vma_attr_random_kunit.seed=N         repeat the run that printed this seed
 *   vma_attr_random_kunit.operations=N   how many operations to try
 *   vma_attr_random_kunit.sequence=N     only the sequence of this number
 *
 * The run consists of short sequences, each of which begins with nothing mapped. So
 * a failure depends on one sequence only. Operations that the failure does not need
 * are left out before the sequence is printed.
 */

#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "vma_attr_test.h"

static ulong seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Seed of the random operations (default: another each time)");

static ulong operations = 100000;
module_param(operations, ulong, 0444);
MODULE_PARM_DESC(operations, "How many operations to try");

static long sequence = -1;
module_param(sequence, long, 0444);
MODULE_PARM_DESC(sequence, "Try no sequence but this one");

#define SEQUENCE_LEN		40

/* After so many sequences fork the mm, and begin a new one. */
#define SEQUENCES_PER_FORK	16

/**
 * struct run - The state of the run
 * @checked: the address space
 * @ops: the operations of the current sequence
 * @worked: how often each type of operation worked
 * @refused: how often a seal refused it
 * @failed: how often it failed for another reason
 * @tried: total number of operations tried
 */
struct run {
	struct vma_attr_checked *checked;
	struct model_op ops[SEQUENCE_LEN];
	unsigned long worked[NR_MODEL_OPS];
	unsigned long refused[NR_MODEL_OPS];
	unsigned long failed[NR_MODEL_OPS];
	unsigned long tried;
};

/* Uniform in [0, limit). */
static unsigned int below(struct rnd_state *rnd, unsigned int limit)
{
	return prandom_u32_state(rnd) % limit;
}

/* The weights make mappings faster than they seal them. */
static const struct {
	enum model_op_type type;
	unsigned int weight;
	bool refusable;
} weights[] = {
	{ MODEL_MSEAL,			10,	false },
	{ MODEL_MPROTECT,		12,	true },
	{ MODEL_MUNMAP,			4,	true },
	{ MODEL_MMAP,			20,	true },
	{ MODEL_MMAP_NOREPLACE,		12,	false },
	{ MODEL_MREMAP_RESIZE,		8,	true },
	{ MODEL_MREMAP_MOVE,		8,	true },
	{ MODEL_MREMAP_DONTUNMAP,	4,	true },
	{ MODEL_DONTNEED,		3,	true },
	{ MODEL_FREE,			3,	true },
	{ MODEL_REMOVE,			3,	true },
	{ MODEL_GUARD_REMOVE,		3,	true },
	{ MODEL_MADV_DONTDUMP,		4,	false },
	{ MODEL_MADV_DODUMP,		4,	false },
	{ MODEL_MADV_DONTFORK,		4,	true },
	{ MODEL_MADV_DOFORK,		4,	false },
	{ MODEL_MADV_WIPEONFORK,	3,	true },
	{ MODEL_MADV_KEEPONFORK,	3,	true },
};

static enum model_op_type random_type(struct rnd_state *rnd)
{
	unsigned int i, at, sum = 0;

	for (i = 0; i < ARRAY_SIZE(weights); i++)
		sum += weights[i].weight;
	at = below(rnd, sum);
	for (i = 0; at >= weights[i].weight; i++)
		at -= weights[i].weight;
	return weights[i].type;
}

static void random_op(struct rnd_state *rnd, struct model_op *op)
{
	static const unsigned int prots[] = {
		MODEL_READ | MODEL_WRITE, MODEL_READ | MODEL_WRITE, MODEL_READ,
		MODEL_READ, 0, MODEL_READ | MODEL_EXEC, MODEL_WRITE,
		MODEL_READ | MODEL_WRITE | MODEL_EXEC,
	};
	const unsigned int most = below(rnd, 6) ? 4 : MODEL_PAGES;

	memset(op, 0, sizeof(*op));
	op->type = random_type(rnd);
	op->first = below(rnd, MODEL_PAGES);
	op->end = op->first + 1 + below(rnd, min(most, MODEL_PAGES - op->first));

	switch (op->type) {
	case MODEL_MSEAL:
		/* Sometimes with an unknown flag. */
		op->arg = below(rnd, 16) ? below(rnd, 8) : below(rnd, 64);
		break;
	case MODEL_MPROTECT:
		op->arg = prots[below(rnd, ARRAY_SIZE(prots))];
		break;
	case MODEL_MMAP:
	case MODEL_MMAP_NOREPLACE:
		op->arg = prots[below(rnd, ARRAY_SIZE(prots))];
		op->backing = below(rnd, NR_MODEL_BACKINGS);
		/* Mostly continues the file offset of its neighbours. */
		op->pgoff = below(rnd, 4) ? op->first : below(rnd, MODEL_PAGES);
		break;
	case MODEL_MREMAP_RESIZE:
		op->new_pages = 1 + below(rnd, min(8, MODEL_PAGES - op->first));
		break;
	case MODEL_MREMAP_MOVE:
	case MODEL_MREMAP_DONTUNMAP:
		op->dst = below(rnd, MODEL_PAGES);
		/* Mostly keeps the size, if there is room. */
		op->new_pages = op->end - op->first;
		if (!below(rnd, 4) || op->dst + op->new_pages > MODEL_PAGES)
			op->new_pages = 1 + below(rnd, MODEL_PAGES - op->dst);
		break;
	default:
		break;
	}
}

static void random_sequence(unsigned long nr, struct model_op *ops)
{
	struct rnd_state rnd;
	unsigned int i;

	/* Each sequence has its own seed, so it can be repeated alone. */
	prandom_seed_state(&rnd, seed + nr * 0x9e3779b97f4a7c15ULL);
	for (i = 0; i < SEQUENCE_LEN; i++)
		random_op(&rnd, &ops[i]);
	/* Begin with mappings. */
	ops[0] = (struct model_op) {
		.type = MODEL_MMAP, .first = 0, .end = MODEL_PAGES,
		.arg = MODEL_READ | MODEL_WRITE,
		.backing = below(&rnd, NR_MODEL_BACKINGS),
	};
}

static void count(struct run *run, const struct model_op *op)
{
	const struct vma_attr_checked *checked = run->checked;

	if (checked->want == MODEL_NO_ANSWER)
		return;
	run->tried++;
	if (!checked->want)
		run->worked[op->type]++;
	else if (checked->want == -EPERM)
		run->refused[op->type]++;
	else
		run->failed[op->type]++;
}

/*
 * Carry out those operations of a sequence whose bit is set in @wanted. Returns
 * NULL, or what went wrong; @at is the operation then.
 */
static const char *try_sequence(struct kunit *test, struct run *run, u64 wanted,
				unsigned int *at)
{
	const char *what;
	unsigned int i;

	vma_attr_checked_empty(test, run->checked);
	for (i = 0; i < SEQUENCE_LEN; i++) {
		if (!(wanted & BIT_ULL(i)))
			continue;
		what = vma_attr_checked_step(run->checked, &run->ops[i]);
		count(run, &run->ops[i]);
		if (what) {
			*at = i;
			return what;
		}
	}
	return NULL;
}

/* Leave out operations that the failure does not need, and print the others. */
static void report(struct kunit *test, struct run *run, unsigned long nr,
		   unsigned int at)
{
	u64 wanted = GENMASK_ULL(at, 0);
	const char *what;
	int i;

	for (i = at; i >= 0; i--) {
		unsigned int end;

		if (try_sequence(test, run, wanted & ~BIT_ULL(i), &end))
			wanted &= GENMASK_ULL(end, 0) & ~BIT_ULL(i);
	}

	what = try_sequence(test, run, wanted, &at);
	kunit_err(test, "seed=%lu sequence=%lu, this is enough:\n", seed, nr);
	for (i = 0; i <= at; i++) {
		if (wanted & BIT_ULL(i))
			vma_attr_print_op(test, &run->ops[i]);
	}
	vma_attr_checked_print(test, run->checked, &run->ops[at],
			       what ?: "it does not happen again");
}

/* Has each type of operation worked, and been refused if a seal may refuse it? */
static void all_was_tried(struct kunit *test, const struct run *run)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(weights); i++) {
		const enum model_op_type type = weights[i].type;
		const char *name = vma_attr_op_name(type);

		kunit_info(test, "%16s: %6lu worked, %6lu refused, %6lu failed\n",
			   name, run->worked[type], run->refused[type],
			   run->failed[type]);
		KUNIT_EXPECT_GT_MSG(test, run->worked[type], 0, "%s", name);
		if (weights[i].refusable)
			KUNIT_EXPECT_GT_MSG(test, run->refused[type], 0, "%s", name);
		else
			KUNIT_EXPECT_EQ_MSG(test, run->refused[type], 0, "%s", name);
	}
}

static void random_operations(struct kunit *test)
{
	unsigned long nr = sequence >= 0 ? sequence : 0;
	const char *what = NULL;
	unsigned int at = 0;
	struct run *run;

	run = kunit_kzalloc(test, sizeof(*run), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, run);
	run->checked = test->priv;
	BUILD_BUG_ON(SEQUENCE_LEN > 64);

	while (!seed)
		seed = get_random_u32();
	kunit_info(test, "seed=%lu operations=%lu\n", seed, operations);

	/* Operations without an answer of the model do not count as tried. */
	for (; sequence >= 0 ? nr == sequence : run->tried < operations; nr++) {
		random_sequence(nr, run->ops);
		what = try_sequence(test, run, GENMASK_ULL(SEQUENCE_LEN - 1, 0), &at);
		if (what) {
			report(test, run, nr, at);
			break;
		}
		if (nr % SEQUENCES_PER_FORK)
			continue;
		what = vma_attr_checked_fork(test, run->checked);
		if (what) {
			kunit_err(test, "seed=%lu sequence=%lu, after a fork:\n",
				  seed, nr);
			vma_attr_checked_print(test, run->checked, NULL, what);
			break;
		}
		vma_attr_checked_new_mm(test, run->checked);
	}
	if (what)
		KUNIT_FAIL(test, "%s; again with seed=%lu sequence=%lu", what, seed, nr);
	else if (sequence < 0)
		all_was_tried(test, run);
	kunit_info(test, "%lu operations tried\n", run->tried);
	vma_attr_checked_exit(test, run->checked);
}

static struct kunit_case vma_attr_random_cases[] = {
	KUNIT_CASE_SLOW(random_operations),
	{}
};

static struct kunit_suite vma_attr_random_suite = {
	.name = "vma_attr_random",
	.init = vma_attr_checked_init,
	.test_cases = vma_attr_random_cases,
};

kunit_test_suite(vma_attr_random_suite);

MODULE_DESCRIPTION("KUnit test of the VMA attribute lock against a model");
MODULE_LICENSE("GPL");
