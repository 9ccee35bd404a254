/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many bytes a socket has taken so far. A file goes out by sendfile, where nobody but the
 * kernel counts: this is asked when a client left in the middle, for the access log.
 */
#include "http/internal.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

bool srv_took(struct MHD_Connection *conn, uint64_t *out)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct tcp_info tcp;
    socklen_t len = sizeof(tcp);

    memset(&tcp, 0, sizeof(tcp));
    if (!info || getsockopt(info->connect_fd, IPPROTO_TCP, TCP_INFO, &tcp, &len) != 0)
        return false;
    if (len < offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof(tcp.tcpi_bytes_retrans))
        return false; /* a kernel before 4.19 */
    *out = tcp.tcpi_bytes_sent - tcp.tcpi_bytes_retrans + tcp.tcpi_notsent_bytes;
    return true;
}

/* What libmicrohttpd writes before the body: our headers, and the lines it adds. */
uint64_t srv_head_bytes(const srv_req *req)
{
    uint64_t n = sizeof("HTTP/1.1 206 Partial Content\r\n") - 1;

    n += sizeof("Date: Tue, 24 Nov 2026 11:34:04 GMT\r\nContent-Length: \r\n\r\n") - 1;
    for (uint64_t left = req->answer.n_bytes; left > 0; left /= 10)
        n++;
    for (const srv_header *h = req->answer.headers; h; h = h->next)
        n += strlen(h->name) + strlen(h->value) + 4;
    return n;
}
