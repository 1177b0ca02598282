/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the KUnit suites of the VMA attribute lock: a small address space that
 * is checked against the reference model of vma_attr_model.h after each operation.
 */
#ifndef _MM_TESTS_VMA_ATTR_TEST_H
#define _MM_TESTS_VMA_ATTR_TEST_H

#include <kunit/mm_layout.h>
#include <kunit/test.h>

#include "vma_attr_model.h"

/* The file is longer than what any operation of the tests maps. */
#define VMA_ATTR_FILE_PAGES	256

/**
 * struct vma_attr_checked - An address space that is checked against the model
 * @area: its area in the mm of the thread
 * @model: the same address space in the model
 * @touch: write to private pages that are mapped, so that they get an anon_vma
 * @untidy: there may be more borders than necessary
 * @before: snapshot of the mm before the last operation
 * @after: snapshot of the mm after it
 * @model_before: @model before it
 * @want: what the model returned
 * @have: what the kernel returned: 0 or an error
 * @warned: vma_attr_warned() when the test began
 */
struct vma_attr_checked {
	struct kunit_mm_area area;
	struct model model;
	bool touch;
	bool untidy;
	struct kunit_mm_snapshot before;
	struct kunit_mm_snapshot after;
	struct model model_before;
	int want;
	long have;
	unsigned long warned;
};

int vma_attr_checked_init(struct kunit *test);
void vma_attr_checked_exit(struct kunit *test, struct vma_attr_checked *checked);
void vma_attr_checked_empty(struct kunit *test, struct vma_attr_checked *checked);
void vma_attr_checked_new_mm(struct kunit *test, struct vma_attr_checked *checked);
long vma_attr_kernel_do(const struct kunit_mm_area *area, const struct model_op *op);
const char *vma_attr_checked_do(struct vma_attr_checked *checked,
				const struct model_op *op);
const char *vma_attr_checked_step(struct vma_attr_checked *checked,
				  const struct model_op *op);
const char *vma_attr_checked_compare(struct mm_struct *mm,
				     const struct vma_attr_checked *checked,
				     const struct model *model);
const char *vma_attr_checked_fork(struct kunit *test, struct vma_attr_checked *checked);
void vma_attr_checked_print(struct kunit *test, struct vma_attr_checked *checked,
			    const struct model_op *op, const char *what);
const char *vma_attr_op_name(enum model_op_type type);
void vma_attr_model_layout(const struct model *model, bool touch,
			   struct kunit_mm_layout *layout);
void vma_attr_print_op(struct kunit *test, const struct model_op *op);

unsigned long vma_attr_warned(void);

/*
 * Arrangements: three neighbours of two pages each, from page 2 of the area on.
 * There is room on either side, and an operation can end in the middle of one.
 */

#define VMA_ATTR_RW		(MODEL_READ | MODEL_WRITE)
#define VMA_ATTR_NEIGHBOURS	3
#define VMA_ATTR_FIRST		2

/* A neighbour is sealed with the flags 0 to 7 of mseal(), or one of these. */
enum vma_attr_state {
	VMA_ATTR_UNSEALED = 8,
	VMA_ATTR_HOLE,
	NR_VMA_ATTR_STATES,
};

/* The numbers of vma_attr_arrangement() are below this. */
#define VMA_ATTR_ARRANGEMENTS \
	(2 * NR_VMA_ATTR_STATES * NR_VMA_ATTR_STATES * NR_VMA_ATTR_STATES)

/**
 * struct vma_attr_arrangement - Three neighbours
 * @state: flags of mseal(), or &enum vma_attr_state
 * @ro: the middle one is read-only, the others are writable
 */
struct vma_attr_arrangement {
	unsigned int state[VMA_ATTR_NEIGHBOURS];
	bool ro;
};

/**
 * struct vma_attr_backing - What the neighbours map
 * @name: for messages
 * @backing: the backing in the model
 * @touch: value for &struct vma_attr_checked
 */
struct vma_attr_backing {
	const char *name;
	enum model_backing backing;
	bool touch;
};

#define NR_VMA_ATTR_BACKINGS	4

extern const struct vma_attr_backing vma_attr_backings[NR_VMA_ATTR_BACKINGS];

bool vma_attr_arrangement(unsigned int nr, struct vma_attr_arrangement *arr);
bool vma_attr_arrangement_basic(const struct vma_attr_arrangement *arr);
void vma_attr_arrange(struct kunit *test, struct vma_attr_checked *checked,
		      const struct vma_attr_arrangement *arr,
		      enum model_backing backing);

#endif /* _MM_TESTS_VMA_ATTR_TEST_H */
