import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  accessKey,
  missing,
  plantFile,
  plantTree,
  read,
  type S3Lab,
  secretKey,
  startLab,
} from './s3-lab.ts'

const MiB = 1024 * 1024

/** The programs that people have, unchanged, over plain HTTP and over TLS. */
for (const tls of [false, true]) {
  describe(`programs of others ${tls ? 'over TLS' : 'over plain HTTP'}`, () => {
    let lab: S3Lab

    before(async () => {
      lab = await startLab({ tls })
    })
    after(async () => {
      await lab[Symbol.asyncDispose]()
    })

    test('aws-cli copies, syncs, lists, moves and removes', { skip: missing('aws') }, async () => {
      const aws = async (...args: string[]) =>
        await lab.run(awsCommand(), ['--endpoint-url', lab.url, ...args])
      const content = plantFile(join(lab.dir, 'big'), 20 * MiB)
      plantTree(join(lab.dir, 'aws-tree'), 20)
      await aws('s3', 'mb', 's3://aws-bucket')
      await aws('s3', 'cp', 'big', 's3://aws-bucket/big', '--no-progress')
      await aws('s3', 'mv', 's3://aws-bucket/big', 's3://aws-bucket/moved', '--no-progress')
      await aws('s3', 'cp', 's3://aws-bucket/moved', 'back', '--no-progress')
      assert.ok(read(join(lab.dir, 'back')).equals(content))
      await aws('s3', 'sync', 'aws-tree', 's3://aws-bucket/tree', '--no-progress')
      await aws('s3', 'sync', 's3://aws-bucket/tree', 'aws-again', '--no-progress')
      await lab.run('diff', ['-r', 'aws-tree', 'aws-again'])
      const listed = await aws(
        's3api',
        'list-objects-v2',
        '--bucket',
        'aws-bucket',
        '--prefix',
        'tree/',
      )
      assert.equal(JSON.parse(listed).Contents.length, 20)
      const head = await aws('s3api', 'head-object', '--bucket', 'aws-bucket', '--key', 'moved')
      assert.equal(JSON.parse(head).ContentLength, 20 * MiB)
      await aws('s3', 'rb', 's3://aws-bucket', '--force')
    })

    test('rclone syncs and checks 500 files', { skip: missing('rclone') }, async () => {
      const config = join(lab.dir, 'rclone.conf')
      const lines = [
        '[store]',
        'type = s3',
        'provider = Other',
        `access_key_id = ${accessKey}`,
        `secret_access_key = ${secretKey}`,
        `endpoint = ${lab.url}`,
      ]
      writeFileSync(config, lines.join('\n'))
      // Its S3 library takes no bundle from the environment together with its own transport.
      const trust = lab.ca === undefined ? [] : ['--ca-cert', lab.ca]
      const rclone = async (...args: string[]) =>
        await lab.run('env', [
          '-u',
          'AWS_CA_BUNDLE',
          'rclone',
          '--config',
          config,
          ...trust,
          ...args,
        ])
      plantTree(join(lab.dir, 'tree'), 500)
      await rclone('mkdir', 'store:rclone-bucket')
      await rclone('sync', 'tree', 'store:rclone-bucket/tree')
      const checked = await rclone('check', 'tree', 'store:rclone-bucket/tree')
      assert.match(checked, /500 matching files/)
      assert.match(checked, /0 differences found/)
      await rclone('copy', 'store:rclone-bucket/tree', 'rclone-again')
      await lab.run('diff', ['-r', 'tree', 'rclone-again'])
      await rclone('purge', 'store:rclone-bucket')
    })

    test('restic backs up, checks and restores', { skip: missing('restic') }, async () => {
      const trust = lab.ca === undefined ? [] : ['--cacert', lab.ca]
      const repository = `s3:${lab.url}/restic-bucket/repository`
      const restic = async (...args: string[]) =>
        await lab.run('restic', [...trust, '-r', repository, ...args])
      plantTree(join(lab.dir, 'saved'), 50)
      await restic('init')
      await restic('backup', 'saved')
      plantTree(join(lab.dir, 'saved'), 60)
      await restic('backup', 'saved')
      assert.match(await restic('check', '--read-data'), /no errors were found/)
      await restic('restore', 'latest', '--target', 'restored')
      const restored = [join('restored', 'saved'), join('restored', lab.dir, 'saved')]
      const found = restored.find(path => existsSync(join(lab.dir, path)))
      await lab.run('diff', ['-r', 'saved', found ?? ''])
      await restic('forget', '--keep-last', '1', '--prune')
      assert.match(await restic('check'), /no errors were found/)
    })

    test('duplicity backs up, adds and restores', { skip: duplicityProblem() }, async () => {
      plantTree(join(lab.dir, 'kept'), 20)
      await lab.run(awsCommand(), ['--endpoint-url', lab.url, 's3', 'mb', 's3://duplicity-bucket'])
      const place = 'boto3+s3://duplicity-bucket/backups'
      const options = ['--no-encryption', '--s3-endpoint-url', lab.url, '--archive-dir', 'archive']
      const duplicity = async (...args: string[]) =>
        await lab.run('duplicity', [...options, ...args])
      await duplicity('full', 'kept', place)
      plantTree(join(lab.dir, 'kept', 'later'), 10)
      assert.match(await duplicity('incremental', 'kept', place), /Errors 0\n/)
      await duplicity('restore', place, 'kept-again')
      await lab.run('diff', ['-r', 'kept', 'kept-again'])
    })

    test('s3cmd puts in parts with their MD5, and syncs', { skip: missing('s3cmd') }, async () => {
      const config = join(lab.dir, 's3cmd.cfg')
      const lines = [
        '[default]',
        `access_key = ${accessKey}`,
        `secret_key = ${secretKey}`,
        `host_base = ${lab.host}`,
        `host_bucket = ${lab.host}`,
        `use_https = ${tls ? 'True' : 'False'}`,
        ...(lab.ca === undefined ? [] : [`ca_certs_file = ${lab.ca}`]),
      ]
      writeFileSync(config, lines.join('\n'))
      const s3cmd = async (...args: string[]) =>
        await lab.run('s3cmd', ['-c', config, '--no-progress', ...args])
      const content = plantFile(join(lab.dir, 'parts'), 17 * MiB)
      plantTree(join(lab.dir, 'cmd-tree'), 20)
      await s3cmd('mb', 's3://s3cmd-bucket')
      const inParts = ['--multipart-chunk-size-mb=5', '--check-md5']
      await s3cmd('put', 'parts', 's3://s3cmd-bucket/parts', ...inParts)
      await s3cmd('get', 's3://s3cmd-bucket/parts', 'parts-back')
      assert.ok(read(join(lab.dir, 'parts-back')).equals(content))
      await s3cmd('sync', 'cmd-tree/', 's3://s3cmd-bucket/tree/')
      await s3cmd('sync', 's3://s3cmd-bucket/tree/', 'cmd-again/')
      await lab.run('diff', ['-r', 'cmd-tree', 'cmd-again'])
      await s3cmd('setacl', '--acl-public', 's3://s3cmd-bucket/parts')
      assert.match(await s3cmd('info', 's3://s3cmd-bucket/parts'), /\*anon\*: READ/)
      await s3cmd('del', '-r', '--force', 's3://s3cmd-bucket/')
      await s3cmd('rb', 's3://s3cmd-bucket')
    })

    test('s3fs is a file system', { skip: missing('s3fs') || mountProblem() }, async () => {
      const passwords = join(lab.dir, 's3fs-passwords')
      writeFileSync(passwords, `${accessKey}:${secretKey}`, { mode: 0o600 })
      const mount = join(lab.dir, 'mount')
      mkdirSync(mount)
      plantTree(join(lab.dir, 'files'), 20)
      const content = plantFile(join(lab.dir, 'large'), 12 * MiB)
      const options = [`passwd_file=${passwords}`, `url=${lab.url}`, 'use_path_request_style']
      const trust =
        lab.ca === undefined ? [] : ['-o', 'no_check_certificate', '-o', 'ssl_verify_hostname=0']
      const plain = options.flatMap(option => ['-o', option])
      await lab
        .run('s3fs', ['s3fs-bucket', mount, ...plain, '-o', 'createbucket', ...trust])
        .catch(async () => {
          // Versions differ in whether they can make the bucket themselves.
          await lab.run(awsCommand(), ['--endpoint-url', lab.url, 's3', 'mb', 's3://s3fs-bucket'])
          await lab.run('s3fs', ['s3fs-bucket', mount, ...plain, ...trust])
        })
      try {
        await lab.run('cp', ['-r', 'files', 'large', mount])
        await lab.run('diff', ['-r', 'files', join(mount, 'files')])
        await lab.run('mv', [join(mount, 'files'), join(mount, 'renamed')])
        await lab.run('diff', ['-r', 'files', join(mount, 'renamed')])
        await lab.run('cmp', ['large', join(mount, 'large')])
        assert.ok(read(join(lab.dir, 'large')).equals(content))
        await lab.run('rm', ['-r', join(mount, 'renamed'), join(mount, 'large')])
      } finally {
        await lab.run('umount', [mount])
      }
    })
  })
}

/** Debian's, where another one of the same name may come first. */
function awsCommand(): string {
  return existsSync('/usr/bin/aws') ? '/usr/bin/aws' : 'aws'
}

/** Debian's duplicity only suggests the library with which it speaks S3. */
function duplicityProblem(): string | false {
  if (existsSync('/usr/lib/python3/dist-packages/boto3')) return missing('duplicity')
  return 'python3-boto3 is not installed; .ci/run installs it where it may'
}

function mountProblem(): string | false {
  const able = existsSync('/dev/fuse') && process.getuid?.() === 0
  return able ? false : 'there is no FUSE here, or no right to mount'
}
