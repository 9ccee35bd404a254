/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.mjs HUB CACHE [FILE]: the JavaScript client fetches one file, or all, of bench/repo into CACHE.
 * peer.mjs --upload HUB TOKEN PATH: it sends a file or the files of a folder there, in one commit.
 */
import { readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { downloadFileToCacheDir, snapshotDownload, uploadFiles } from "@huggingface/hub";

const repo = { type: "model", name: "bench/repo" };
console.debug = () => {};

async function download([hubUrl, cacheDir, path]) {
    if (path) await downloadFileToCacheDir({ repo, hubUrl, cacheDir, path });
    else await snapshotDownload({ repo, hubUrl, cacheDir });
}

async function upload([hubUrl, accessToken, path]) {
    const paths = statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path];
    const files = paths.map((p) => ({ path: basename(p), content: pathToFileURL(resolve(p)) }));
    await uploadFiles({ repo, hubUrl, accessToken, files, useXet: false });
}

const words = process.argv.slice(2);
if (words[0] === "--upload") await upload(words.slice(1));
else await download(words);
