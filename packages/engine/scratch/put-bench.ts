import { rmSync } from 'node:fs'
import { openStore } from '../../drivers/src/open.ts'
import { systemClock } from '../../drivers/src/clock/system-clock.ts'
import { cryptoRandom } from '../../drivers/src/random/crypto-random.ts'
import { openEngine, ensureBuckets, systemCall } from '../src/engine.ts'
import { putAsset } from '../src/assets/put.ts'
import { getAsset, openContent } from '../src/assets/get.ts'
const dir='/tmp/lead/pb'; rmSync(dir,{recursive:true,force:true})
const store=await openStore({dir, transactionsUrl:new URL('../src/transactions.ts',import.meta.url).href})
const engine=openEngine({catalog:store.catalog,element:store.element,clock:systemClock,random:cryptoRandom})
await ensureBuckets(engine,['bench'])
const call=systemCall('x')
const N=Number(process.argv[2]??30000), C=Number(process.argv[3]??64)
let i=0
async function one(){ while(i<N){ const n=i++; const body=Buffer.alloc(4096); body.writeUInt32LE(n,0); body.writeUInt32LE(n*7,2000)
 await putAsset(engine,call,{bucket:'bench',key:'k/'+n,name:'k'+n,service:'bench',ownerId:'0199d0c0-0000-7000-8000-000000000001',mode:'replace',contentType:'application/octet-stream',length:4096,source:(async function*(){yield body})()} as any) } }
for (const c of [1, 16, C]) { i=0; const base=c; const t=performance.now(); const cpu=process.cpuUsage(); const n0=Math.min(N,c===1?3000:N); const save=N; 
 let j=0; const run=async()=>{ while(j<n0){ const n=j++; const body=Buffer.alloc(4096); body.writeUInt32LE(n,0); body.writeUInt32LE(c,2000)
 await putAsset(engine,call,{bucket:'bench',key:`k/${c}/${n}`,name:'k'+n,service:'bench',ownerId:'0199d0c0-0000-7000-8000-000000000001',mode:'replace',contentType:'application/octet-stream',length:4096,source:(async function*(){yield body})()} as any) } }
 await Promise.all(Array.from({length:c},run)); const ms=performance.now()-t; const u=process.cpuUsage(cpu); console.log(c,'conns',(n0/ms*1000).toFixed(0),'put/s','cpu/op µs',((u.user+u.system)/n0).toFixed(0)) }
{ const a=await engine.catalog.view.buckets.byName('bench'); const t=performance.now(); for(let n=0;n<20000;n++){ const as=await engine.catalog.view.assets.byKey(a!.id,`k/16/${n%3000}`); const c=await openContent(engine,call,{asset:as!}); await c.read() } console.log('get', (20000/(performance.now()-t)*1000).toFixed(0),'/s') }
await store.close()
