/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How KUnit tests switch off questions of the VMA attribute lock, to see that
 * mm/vma_attr_check.c notices. Internal to mm/.
 */
#ifndef _MM_VMA_ATTR_CHECK_TEST_H
#define _MM_VMA_ATTR_CHECK_TEST_H

#include <linux/sched.h>
#include <linux/types.h>
#include <linux/vma_attr.h>
#include <linux/vma_attr_check.h>

/* The pseudo-operation of having asked the LSMs about a forced write. */
#define VMA_ATTR_ASKED_LSMS	BIT(NR_VMA_ATTR_OPS)

/**
 * struct vma_attr_check_test - A test of the check
 * @task: the task whose questions are switched off, and whose warnings are counted
 *	instead of printed
 * @blind: a bit per &enum vma_attr_op that is not asked, and VMA_ATTR_ASKED_LSMS
 * @reports: how often each change was reported
 */
struct vma_attr_check_test {
	struct task_struct *task;
	u32 blind;
	unsigned int reports[NR_VMA_ATTR_CHANGES];
};

/* The test that runs, or NULL. Only a test writes it, and one runs at a time. */
extern struct vma_attr_check_test *vma_attr_check_test;

#endif /* _MM_VMA_ATTR_CHECK_TEST_H */
