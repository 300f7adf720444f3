import t from 'tap'
import { removeSourceControls } from '../../support/mutation/remove-source-controls.ts'

removeSourceControls(t, 'web')
