/** Everything public of `axios-token-refresh/testing`. */
export { tokenStoreContract, type ContractCase, type ContractOptions, type MakeHolders } from './contract.js';
