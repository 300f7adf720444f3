import { createPrivateKey, createPublicKey } from 'node:crypto'

/** The accounts that the stand-ins know. No service outside of the tests does. */
export const aws = {
  region: 'us-east-1',
  accessKeyId: 'AKIASTANDINSTANDIN00',
  secretAccessKey: `SENTINELaws${'s3cret'.repeat(5)}`,
  sessionToken: `SENTINELsession${'t0ken'.repeat(6)}`,
  apiKey: `ABSKSENTINEL${'k3y'.repeat(10)}`,
}

/** A key that was made for the tests alone, so that two processes share it. */
export const google = {
  region: 'us-east5',
  project: 'stand-in-project',
  clientEmail: 'agent@stand-in-project.iam.gserviceaccount.com',
  privateKey: `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCpc5DeYUCD7U3G
Ok7L2YZn+zvyy4DfmurHQSDYDsCLzoQsnSs7njx5RO/tmCXsNhJApFdoDPwKh4nJ
j451OqKGcHTop9jbmA7TnyBQlkxUIqVx5sybQlHB9Wv974fBSTFiIWuXuLz80BTP
m7j2AmiUkUfKgm0Na0l1HCnPHHRs7O4syryRRFZznSmgr3yDjiRSK+Qc9zF2mDAZ
MbZ1Wf4xq36U4g88GdDDKmxy+AvWda5Pzq8eEOHdBdAp3/oRtVM2e8+ZfJUoIEti
b1L5l9OoKRoe3t4dVNx9Vw42Fr+VyP6QnE/ifuO8EbUnid7mTIv+zA5xT2SXiuqo
ySMNB589AgMBAAECggEACABHcmCoMbKGThpZtyFlycogmgXG54gClvb5zInhyJgv
QIYJUQ7XLyi0pYTeIYmqEfhQkj6utfaRaH2JTfq/StbLhmLKiA/lf1OPrI50OzLJ
mhe6SIh4oM5sU3i4ccV5efc3A9p6vfs7SFRDhwY1FvLHL4Y6DPyoYsm6JafjzXLM
3aTuRFVZ5iuMu4TXbd3kMRH3/qxCWYQs6syjv7/ED9VsSOYDIJH9sXVKr6zRdHRg
6dxXAXdOxh2R3POqTx/p7rDJ1yba8UNUQb2svortHdAJ6YoctxJ1Ul9XW4uQlcyB
g/TiTvgvMOQtFS7mEq8Nn2lp7/57vw+FnmB3v2SmwQKBgQDVF1MNEjmbJsTWgcxK
r8RbrW/Lj0C66bD2IJZR/cbnvXUXDllDoqRS3FjK9/EGqSSdSYeEjwRE/yUC0SJr
8/8hzyM7k0mycAAeHjhoWRBHHN1SLpZS+yskNml8ITIdMgJXKlYnyk7KwmJPeHvc
piBdCa01zZwevL6uK0pooxqrnQKBgQDLkqakBEPAwigfk2cmL9Zafr/lX/weIiQz
ui8465k5pW/EHL4nAaT0nqP0C5fdfJVT2TZCcRN1k9mbS3XZqd/3MkIS5EOr5w0Q
ragBkOFA8+7xNo7sZ9iydXLd6SMAAdG2n9xTidsfi8BbxKXqoAsRLbP5kpUOtpUV
aO4cQB2AIQKBgAjfjMTJkn6EccPg6cneYdXTdglK8M4Xtxe4qanGYIb726lXHp5z
YlZU+JmTE4VMe8rU6gC6F9prqXXhkYZfRat5vaTYcEQu58JZTc4Cj2v2pryqVfYk
oVpDrcbOdxDCKVjJ2YaUpQ1KZN+cS8QXYtec9Ip+AldBUstb4CBVUmH9AoGBAIHB
pyASa9E4sHR38x5/DWU/NzeQN9ZJMsQZ37GrUk5RKe1Z2MZqIOefGqgan6EYoOIC
KLiu9JVUOTboIWUtB0m8Kit6fbvbmRNRbS4aV8mb8mijuvPquU/+1smlqZ5+ilqa
iMhirV3tKR4VOSBVBNjdRcNFcGchb+Nmr6coIuWhAoGAGtU59mcRCuCU7PT/FGTx
vfdsChAyjzMOcDUqhn/8KEp9RfgXgfeuFaBUowQxUJMoWVqNKVZ4mu8bSpyj234A
ysST+T5xun6/sIFs5fO17QN8r+wSfbXPnDvLkUbDPlY6c0msGJfhiZFezOFnJMH2
nBMJCttiObH5QDo8e9joko0=
-----END PRIVATE KEY-----
`,
  accessToken: `ya29.SENTINEL${'acc3ss'.repeat(6)}`,
}

export function googlePublicKey() {
  return createPublicKey(createPrivateKey(google.privateKey))
}

/** The host names that each service has. */
export const hosts = {
  bedrock: `bedrock-runtime.${aws.region}.amazonaws.com`,
  vertex: `${google.region}-aiplatform.googleapis.com`,
  tokens: 'oauth2.googleapis.com',
  company: 'llm.corp.test',
  /** The same with a private address, in a test that gives it one. */
  private: 'private-llm.corp.test',
}
