/* SPDX-License-Identifier: Apache-2.0 */
#include "core/bytes.h"

#include "unit.h"

void test_bytes__reads_little_endian_in_turn(void **state)
{
    static const uint8_t data[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                                    0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0xff };
    hf__rd rd = hf__rd_make(data, sizeof data);

    (void)state;
    assert_int_equal(hf__rd_u8(&rd), 0x01);
    assert_int_equal(hf__rd_u16le(&rd), 0x0302);
    assert_int_equal(hf__rd_u24le(&rd), 0x060504);
    assert_int_equal(hf__rd_u32le(&rd), 0x0a090807);
    assert_int_equal(hf__rd_left(&rd), 8);
    assert_true(hf__rd_u64le(&rd) == UINT64_C(0xff11100f0e0d0c0b));
    assert_int_equal(hf__rd_left(&rd), 0);
    assert_false(rd.failed);
}

void test_bytes__top_bits_survive(void **state)
{
    static const uint8_t data[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    hf__rd rd = hf__rd_make(data, sizeof data);

    (void)state;
    assert_true(hf__rd_u64le(&rd) == UINT64_MAX);
    assert_true(hf__rd_u32le(&rd) == UINT32_MAX);
    assert_true(hf__rd_u24le(&rd) == 0xffffff);
    assert_true(hf__rd_u16le(&rd) == 0xffff);
}

void test_bytes__fails_once_and_stays_failed(void **state)
{
    static const uint8_t data[] = { 1, 2, 3 };
    hf__rd rd = hf__rd_make(data, sizeof data);

    (void)state;
    assert_int_equal(hf__rd_u32le(&rd), 0); /* one byte short */
    assert_true(rd.failed);
    assert_int_equal(hf__rd_u8(&rd), 0); /* though a byte was left */
    assert_null(hf__rd_take(&rd, 1));
    assert_int_equal(hf__rd_left(&rd), 0);
}

void test_bytes__take_of_a_length_that_would_wrap(void **state)
{
    static const uint8_t data[] = { 1, 2, 3 };
    hf__rd rd = hf__rd_make(data, sizeof data);

    (void)state;
    assert_null(hf__rd_take(&rd, SIZE_MAX));
    assert_true(rd.failed);
    rd = hf__rd_make(data, sizeof data);
    assert_null(hf__rd_take(&rd, SIZE_MAX - (uintptr_t)data));
    assert_true(rd.failed);
}

void test_bytes__take_of_everything_and_of_nothing(void **state)
{
    static const uint8_t data[] = { 1, 2, 3 };
    hf__rd rd = hf__rd_make(data, sizeof data);

    (void)state;
    assert_ptr_equal(hf__rd_take(&rd, 3), data);
    assert_false(rd.failed);
    assert_int_equal(hf__rd_left(&rd), 0);
    (void)hf__rd_take(&rd, 0);
    assert_false(rd.failed);
    (void)hf__rd_u8(&rd);
    assert_true(rd.failed);
}

void test_bytes__empty_input_without_a_pointer(void **state)
{
    hf__rd rd = hf__rd_make(NULL, 0);

    (void)state;
    assert_int_equal(hf__rd_left(&rd), 0);
    assert_int_equal(hf__rd_u8(&rd), 0);
    assert_true(rd.failed);
}
