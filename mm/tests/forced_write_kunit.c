// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for what linux/forced_write.h defines. The selftests check which
 * policy refuses which write.
 */

#include <kunit/test.h>
#include <linux/forced_write.h>
#include <linux/mm.h>

/* Policies and logs tell the origins apart by name. */
static void every_origin_has_a_name(struct kunit *test)
{
	int origin, other;

	for (origin = FORCED_WRITE_NONE; origin < NR_FORCED_WRITE_ORIGINS; origin++) {
		KUNIT_ASSERT_NOT_NULL(test, forced_write_origin_name(origin));
		for (other = FORCED_WRITE_NONE; other < origin; other++)
			KUNIT_EXPECT_STRNEQ(test, forced_write_origin_name(origin),
					    forced_write_origin_name(other));
	}
	KUNIT_EXPECT_STREQ(test, "unknown",
			   forced_write_origin_name(NR_FORCED_WRITE_ORIGINS));
}

/* GUP carries the origin in its flags without changing the other flags. */
static void gup_flags_carry_the_origin(struct kunit *test)
{
	const unsigned int others = ~(unsigned int)FOLL_ORIGIN_MASK;
	int origin;

	for (origin = FORCED_WRITE_NONE; origin <= FORCED_WRITE_PROCESS_VM; origin++) {
		KUNIT_EXPECT_EQ(test, 0, FOLL_ORIGIN(origin) & others);
		KUNIT_EXPECT_EQ(test, origin, FOLL_ORIGIN_OF(FOLL_ORIGIN(origin)));
		KUNIT_EXPECT_EQ(test, origin,
				FOLL_ORIGIN_OF(FOLL_ORIGIN(origin) | others));
	}
	KUNIT_EXPECT_EQ(test, FORCED_WRITE_NONE, FOLL_ORIGIN_OF(others));
}

static struct kunit_case forced_write_test_cases[] = {
	KUNIT_CASE(every_origin_has_a_name),
	KUNIT_CASE(gup_flags_carry_the_origin),
	{}
};

static struct kunit_suite forced_write_test_suite = {
	.name = "forced_write",
	.test_cases = forced_write_test_cases,
};

kunit_test_suite(forced_write_test_suite);

MODULE_DESCRIPTION("KUnit tests for forced writes");
MODULE_LICENSE("GPL");
