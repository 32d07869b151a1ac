import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processTree } from '@holdfast/load/process-tree.ts'
import { freePort } from './free-port.ts'
import type { Server, StartOptions } from './server.ts'
import { ServerProcess } from './server-process.ts'

/** nginx as a file server with WebDAV PUT: a body goes into a file that is then renamed. */
export async function startNginx({ dir }: StartOptions): Promise<Server> {
  const port = await freePort()
  const root = join(dir, 'root')
  const body = join(dir, 'body')
  for (const folder of [root, body]) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, 0o777)
  }
  const config = join(dir, 'nginx.conf')
  writeFileSync(config, nginxConfig(dir, port))
  const child = await ServerProcess.start({
    file: 'nginx',
    args: ['-p', dir, '-c', config],
    logFile: join(dir, 'nginx.log'),
    readyUrl: `http://127.0.0.1:${port}/-/ready`,
  })
  return {
    name: 'nginx',
    durability: 'no fsync',
    port,
    createdStatus: 201,
    place: folder => ({ pathPrefix: `/${folder}/`, headers: {} }),
    pids: () => processTree(child.pid),
    async clear() {
      renameSync(root, `${root}.old`)
      mkdirSync(root)
      chmodSync(root, 0o777)
      rmSync(`${root}.old`, { recursive: true, force: true })
    },
    stop: () => child.stop(),
  }
}

function nginxConfig(dir: string, port: number): string {
  const user = process.getuid?.() === 0 ? 'user root;\n' : ''
  return `${user}daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_max_body_size 0;
  client_body_temp_path ${dir}/body;
  default_type application/octet-stream;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    root ${dir}/root;
    location / {
      dav_methods PUT DELETE;
      create_full_put_path on;
    }
    location = /-/ready { return 200 "ready"; }
  }
}
`
}
