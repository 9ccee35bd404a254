/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/ranges.h"

#include "unit.h"

#define PIECE 4u
#define SIZE  18u /* four pieces and a half */

typedef struct pieces_case {
    hf__range have[4];
    hf__range wrote; /* the last of them to come */
    bool found;
    hf__range pieces;
    const char *what;
} pieces_case;

static const pieces_case pieces_cases[] = {
    { { { 0, 4 } }, { 0, 4 }, true, { 0, 4 }, "one whole piece" },
    { { { 0, 3 } }, { 0, 3 }, false, { 0, 0 }, "not to its end" },
    { { { 1, 4 } }, { 1, 4 }, false, { 0, 0 }, "not from its begin" },
    { { { 0, 4 } }, { 2, 4 }, true, { 0, 4 }, "what was there and what came" },
    { { { 0, 4 } }, { 0, 1 }, true, { 0, 4 }, "the begin came last" },
    { { { 0, 4 } }, { 1, 2 }, true, { 0, 4 }, "the middle came last" },
    { { { 0, 1 }, { 3, 4 } }, { 3, 4 }, false, { 0, 0 }, "a hole before what came" },
    { { { 0, 1 }, { 3, 4 } }, { 0, 1 }, false, { 0, 0 }, "a hole behind it" },
    { { { 0, 1 }, { 3, 8 } }, { 3, 8 }, true, { 4, 8 }, "a hole in the first of two" },
    { { { 0, 5 }, { 7, 8 } }, { 2, 5 }, true, { 0, 4 }, "a hole in the second of two" },
    { { { 2, 14 } }, { 2, 14 }, true, { 4, 12 }, "those in the middle" },
    { { { 0, 1 }, { 3, 9 }, { 11, 12 } }, { 3, 9 }, true, { 4, 8 }, "holes on both sides" },
    { { { 0, 12 } }, { 5, 7 }, true, { 4, 8 }, "only the one that it is in" },
    { { { 16, 18 } }, { 16, 18 }, true, { 16, 18 }, "the last, which is shorter" },
    { { { 16, 17 } }, { 16, 17 }, false, { 0, 0 }, "the last, not to the end" },
    { { { 14, 15 }, { 17, 18 } }, { 17, 18 }, false, { 0, 0 }, "the last, not from its begin" },
};

void test_ranges__pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pieces_cases) / sizeof(pieces_cases[0]); i++) {
        const pieces_case *c = &pieces_cases[i];
        hf__ranges set = { 0 };
        uint64_t first = c->wrote.first;
        uint64_t end = c->wrote.end;

        for (size_t k = 0; k < 4; k++)
            assert_true(hf__ranges_add(&set, c->have[k].first, c->have[k].end));
        if (hf__ranges_pieces(&set, PIECE, SIZE, &first, &end) != c->found)
            fail_msg("%s: %s", c->what, c->found ? "no piece" : "a piece");
        if (c->found && (first != c->pieces.first || end != c->pieces.end))
            fail_msg("%s: %d to %d", c->what, (int)first, (int)end);
        hf__ranges_dispose(&set);
    }
}

/* Whatever comes in whatever order: a piece is told exactly when its last byte came. */
void test_ranges__pieces_in_any_order(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < 200; seed++) {
        bool here[SIZE] = { false };
        bool noted[SIZE] = { false };
        hf__ranges set = { 0 };
        unsigned random = seed * 2654435761u;

        for (unsigned step = 0; step < 60; step++) {
            uint64_t first;
            uint64_t end;

            random = random * 1664525u + 1013904223u;
            first = (random >> 16) % SIZE;
            end = first + 1 + (random >> 24) % (SIZE - first);
            assert_true(hf__ranges_add(&set, first, end));
            for (uint64_t at = first; at < end; at++)
                here[at] = true;
            if (hf__ranges_pieces(&set, PIECE, SIZE, &first, &end))
                for (uint64_t at = first; at < end; at++)
                    noted[at] = true;
            for (unsigned piece = 0; piece < SIZE; piece += PIECE) {
                bool whole = true;

                for (unsigned at = piece; at < piece + PIECE && at < SIZE; at++)
                    whole = whole && here[at];
                assert_int_equal(noted[piece], whole);
            }
        }
        hf__ranges_dispose(&set);
    }
}
