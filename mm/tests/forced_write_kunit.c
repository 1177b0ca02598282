// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for what linux/forced_write.h defines. Who refuses which write is
 * for tests in a guest, where there are policies.
 */

#include <kunit/test.h>
#include <linux/forced_write.h>

/* Policies and logs tell the ways in apart by name. */
static void every_way_in_has_a_name(struct kunit *test)
{
	int via, other;

	for (via = FORCED_WRITE_NONE; via < NR_FORCED_WRITE_VIAS; via++) {
		KUNIT_ASSERT_NOT_NULL(test, forced_write_via_name(via));
		for (other = FORCED_WRITE_NONE; other < via; other++)
			KUNIT_EXPECT_STRNEQ(test, forced_write_via_name(via),
					    forced_write_via_name(other));
	}
	KUNIT_EXPECT_STREQ(test, "unknown",
			   forced_write_via_name(NR_FORCED_WRITE_VIAS));
}

/* GUP takes the way in along with its flags, and leaves those alone. */
static void gup_flags_carry_the_way_in(struct kunit *test)
{
	const unsigned int others = ~(unsigned int)FOLL_VIA_MASK;
	int via;

	for (via = FORCED_WRITE_NONE; via <= FORCED_WRITE_PROCESS_VM; via++) {
		KUNIT_EXPECT_EQ(test, 0, FOLL_VIA(via) & others);
		KUNIT_EXPECT_EQ(test, via, FOLL_VIA_OF(FOLL_VIA(via)));
		KUNIT_EXPECT_EQ(test, via, FOLL_VIA_OF(FOLL_VIA(via) | others));
	}
	KUNIT_EXPECT_EQ(test, FORCED_WRITE_NONE, FOLL_VIA_OF(others));
}

static struct kunit_case forced_write_test_cases[] = {
	KUNIT_CASE(every_way_in_has_a_name),
	KUNIT_CASE(gup_flags_carry_the_way_in),
	{}
};

static struct kunit_suite forced_write_test_suite = {
	.name = "forced_write",
	.test_cases = forced_write_test_cases,
};

kunit_test_suite(forced_write_test_suite);

MODULE_DESCRIPTION("KUnit tests for forced writes");
MODULE_LICENSE("GPL");
